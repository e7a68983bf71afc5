package simnet

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// The frame types, flags and error codes of RFC 9113 §6 and §7 that a failing peer needs.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7

	flagEndStream, flagAck = 0x1, 0x1

	codeNone, codeInternal, codeRefused = 0x0, 0x2, 0x7
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// ServeHTTP2Fault serves one connection as an HTTP/2 peer over TLS that answers no request but fails each, once some of its body
// has come (or its end, if there is none). It returns when the connection has ended, and has closed it then. The configuration
// needs a certificate. The faults:
//
//   - "refused_stream": RST_STREAM with REFUSED_STREAM, which promises that the request was not processed.
//   - "goaway": a graceful GOAWAY with a last stream below the request's, which promises the same.
//   - "stream_error": RST_STREAM with INTERNAL_ERROR, which promises nothing.
//
// The first fault takes a nanosecond, so that in a bubble whoever sends at one moment has sent before anything fails.
//
// With a reset stream the peer says a graceful GOAWAY too, so that the client's next request takes a new connection: a script
// decides for each connection. It closes the connection a second later, if the client did not; a bubble's time stands still once
// its main function returned, so that has to wait as long, or close the connection. Another fault is a mistake of the caller, and
// panics.
//
// After the first two faults net/http sends again what it can (a request without a body, or with GetBody), at once and as often as
// it takes: a script in which every connection refuses never ends, not even in virtual time.
func ServeHTTP2Fault(conn net.Conn, config *tls.Config, fault string) {
	reply, ok := faults[fault]
	if !ok {
		panic(fmt.Sprintf("simnet: unknown HTTP/2 fault %q", fault))
	}
	config = config.Clone()
	config.NextProtos = []string{"h2"}
	p := &peer{Conn: tls.Server(conn, config), reply: reply, open: map[uint32]bool{}}
	_ = p.serve() // ends as connections do: the client went
	_ = p.Close()
}

// faults holds, for each fault, the frames that answer the request on a stream.
var faults = map[string]func(stream uint32) []byte{
	"refused_stream": func(stream uint32) []byte { return resetStream(stream, codeRefused) },
	"goaway":         func(uint32) []byte { return goAway(0) },
	"stream_error":   func(stream uint32) []byte { return resetStream(stream, codeInternal) },
}

// resetStream says the GOAWAY first, so that net/http knows of it when the stream ends, and closes the connection then.
func resetStream(stream, code uint32) []byte {
	away := goAway(1<<31 - 1) // other requests under way are none of its business: RFC 9113 §6.8
	return append(away, frame(frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, code))...)
}

func goAway(last uint32) []byte {
	payload := binary.BigEndian.AppendUint32(nil, last)
	return frame(frameGoAway, 0, 0, binary.BigEndian.AppendUint32(payload, codeNone))
}

func frame(typ, flags byte, stream uint32, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(typ)) //nolint:gosec // payloads here are a few bytes
	b = append(b, flags)
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

// A peer is the server's side of one HTTP/2 connection.
type peer struct {
	*tls.Conn
	reply func(stream uint32) []byte
	open  map[uint32]bool // the streams of requests that came and were not answered
	away  bool            // GOAWAY was said
}

// serve reads frames until the client goes, and fails each request once. It reads on after a GOAWAY: closing at once would break a
// client that is still writing, before it has read why.
func (p *peer) serve() error {
	if _, err := io.ReadFull(p, make([]byte, len(preface))); err != nil {
		return err
	}
	if _, err := p.Write(frame(frameSettings, 0, 0, nil)); err != nil {
		return err
	}
	for {
		if err := p.linger(); err != nil {
			return err
		}
		var head [9]byte
		if _, err := io.ReadFull(p, head[:]); err != nil {
			return err
		}
		payload := make([]byte, binary.BigEndian.Uint32(head[:])>>8)
		if _, err := io.ReadFull(p, payload); err != nil {
			return err
		}
		out := p.answer(head[3], head[4], binary.BigEndian.Uint32(head[5:]), payload)
		if out == nil {
			continue
		}
		if _, err := p.Write(out); err != nil {
			return err
		}
	}
}

// linger bounds the wait for the next frame by the second that servers give a client to go after a GOAWAY. net/http's may stay: a
// request that had chosen the connection and then turned away does not close it.
func (p *peer) linger() error {
	if p.away && len(p.open) == 0 {
		return p.SetReadDeadline(time.Now().Add(time.Second))
	}
	return p.SetReadDeadline(time.Time{})
}

// answer returns the frames that a frame calls for, nil for none.
func (p *peer) answer(typ, flags byte, stream uint32, payload []byte) []byte {
	if typ == frameHeaders {
		p.open[stream] = true
	}
	switch typ {
	case frameSettings, framePing:
		if flags&flagAck == 0 {
			return acknowledge(typ, payload)
		}
	case frameReset:
		delete(p.open, stream)
	case frameData, frameHeaders:
		asked := flags&flagEndStream != 0 || typ == frameData && len(payload) > 0
		if asked && p.open[stream] {
			delete(p.open, stream)
			if !p.away {
				<-time.After(1) // in a bubble: when nothing else can happen, so that each request under way has found its connection
			}
			p.away = true
			return p.reply(stream)
		}
	}
	return nil
}

func acknowledge(typ byte, payload []byte) []byte {
	if typ == frameSettings {
		payload = nil
	}
	return frame(typ, flagAck, 0, payload)
}
