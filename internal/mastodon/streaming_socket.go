package mastodon

import (
	"bufio"
	"encoding/binary"
	"net"
	"net/http"
	"time"
)

// message is what goes over a WebSocket. A payload that there is none of must be
// left out: "" breaks clients.
type message struct {
	Stream  []string `json:"stream"`
	Event   string   `json:"event"`
	Payload *string  `json:"payload,omitempty"`
}

// composeFrame writes an event as a whole WebSocket frame, so that it can be made
// once for all who get it.
func composeFrame(s subscription, event string, payload []byte) ([]byte, error) {
	m := message{Stream: s.names(), Event: event}
	if payload != nil {
		text := string(payload)
		m.Payload = &text
	}
	b, err := marshal(m)
	if err != nil {
		return nil, err
	}
	return textFrame(b), nil
}

// textFrame returns text as one unmasked, final frame.
//
// spec: rfc6455#section-5.2
func textFrame(text []byte) []byte {
	const finalText = 0x80 | 0x1
	frame := make([]byte, 0, len(text)+10)
	switch n := len(text); {
	case n < 126:
		frame = append(frame, finalText, byte(n))
	case n <= 0xffff:
		frame = append(frame, finalText, 126)
		frame = binary.BigEndian.AppendUint16(frame, uint16(n))
	default:
		frame = append(frame, finalText, 127)
		frame = binary.BigEndian.AppendUint64(frame, uint64(n))
	}
	return append(frame, text...)
}

// socket is the connection below a WebSocket. Events are written to it as frames
// that are ready, each in one Write, which can't mix with the control frames that the
// library writes, since it writes each of them at once too.
type socket struct {
	http.ResponseWriter
	conn net.Conn
}

// socketBuffer is what a socket keeps in each direction (bytes): it sends control
// frames and receives short requests. What net/http hands over has 4 kB for each.
const socketBuffer = 256

// Hijack implements http.Hijacker.
func (s *socket) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(s.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	s.conn = conn
	in := rw.Reader
	if in.Buffered() == 0 {
		in = bufio.NewReaderSize(conn, socketBuffer)
	}
	return conn, bufio.NewReadWriter(in, bufio.NewWriterSize(conn, socketBuffer)), nil
}

// write sends a frame; a reader that takes too long for it is dropped.
func (s *socket) write(frame []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := s.conn.Write(frame); err != nil {
		return err
	}
	return s.conn.SetWriteDeadline(time.Time{})
}
