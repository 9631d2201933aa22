package remote

import (
	"context"
	"errors"
	"io"
	"mime"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// WebPage asks for HTML.
var WebPage = Accept{
	Header: "text/html, application/xhtml+xml",
	Match: func(mediaType string, _ map[string]string) bool {
		return mediaType == "text/html" || mediaType == "application/xhtml+xml"
	},
}

// JSON asks for any JSON document: what it says counts for the page that named it
// and nothing else.
var JSON = Accept{
	Header: "application/json",
	Match: func(mediaType string, _ map[string]string) bool {
		return mediaType == "application/json" || mediaType == "text/json" || mediaType == "application/json+oembed" || mediaType == "text/javascript"
	},
}

// Page fetches the beginning of a document, at most limit bytes: what is longer is
// cut, and what breaks off is what came.
func (c *Client) Page(ctx context.Context, address vocab.IRI, want Accept, limit int64) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	resp, err := c.follow(ctx, address, want.Header, "", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	host := resp.Request.URL.Host
	contentType := resp.Header.Get("Content-Type")
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		mediaType = ""
	}
	if want.Match != nil && !want.Match(mediaType, params) {
		return nil, fault.New(fault.Rejected, "%s answered with %.100q, which is not what was asked for.", host, contentType)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if len(body) == 0 && err != nil {
		return nil, silent(err, host)
	}
	return &Response{Body: body, URL: vocab.IRI(resp.Request.URL.String()), ContentType: contentType, Header: resp.Header}, nil
}
