package remote

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// Send posts body with these headers, unsigned, to an address that is no inbox,
// such as that of a push service. It follows no redirect. The answer is there
// whenever the host gave one, also together with an error; the error is nil for
// 2xx only.
func (c *Client) Send(ctx context.Context, to vocab.IRI, header http.Header, body []byte) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	u, err := c.target(to)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fault.Because(err, fault.Rejected, "This is not an address that can be sent to.")
	}
	req.Header = header.Clone()
	resp, err := c.do(req, body, nil, 0, "")
	if err != nil {
		return nil, err
	}
	defer finish(resp)
	if resp.StatusCode/100 == 2 {
		return &Answer{Status: resp.StatusCode}, nil
	}
	err = c.failed(resp)
	var status *StatusError
	errors.As(err, &status)
	return &status.Answer, err
}
