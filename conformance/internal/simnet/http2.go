package simnet

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
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
// After a reset stream the peer says a graceful GOAWAY too, so that the client's next request takes a new connection: a script
// decides for each connection. Another fault is a mistake of the caller, and panics.
func ServeHTTP2Fault(conn net.Conn, config *tls.Config, fault string) {
	reply, ok := faults[fault]
	if !ok {
		panic(fmt.Sprintf("simnet: unknown HTTP/2 fault %q", fault))
	}
	config = config.Clone()
	config.NextProtos = []string{"h2"}
	secure := tls.Server(conn, config)
	defer func() { _ = secure.Close() }()
	_ = answer(secure, reply) // it ends as connections do: the client went
}

// faults holds, for each fault, the frames that answer the request on a stream.
var faults = map[string]func(stream uint32) []byte{
	"refused_stream": func(stream uint32) []byte { return resetStream(stream, codeRefused) },
	"goaway":         func(uint32) []byte { return goAway(0) },
	"stream_error":   func(stream uint32) []byte { return resetStream(stream, codeInternal) },
}

func resetStream(stream, code uint32) []byte {
	reset := frame(frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, code))
	return append(reset, goAway(1<<31-1)...) // other requests under way are none of its business: RFC 9113 §6.8
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

// answer reads frames until the client goes, and replies to each request once. It reads on after a GOAWAY: closing at once would
// fail a client that is still writing, before it has read why.
func answer(conn io.ReadWriter, reply func(stream uint32) []byte) error {
	if _, err := io.ReadFull(conn, make([]byte, len(preface))); err != nil {
		return err
	}
	if _, err := conn.Write(frame(frameSettings, 0, 0, nil)); err != nil {
		return err
	}
	answered := map[uint32]bool{}
	for {
		var head [9]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return err
		}
		payload := make([]byte, binary.BigEndian.Uint32(head[:])>>8)
		if _, err := io.ReadFull(conn, payload); err != nil {
			return err
		}
		typ, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		var out []byte
		switch typ {
		case frameSettings, framePing:
			if flags&flagAck == 0 {
				out = acknowledge(typ, payload)
			}
		case frameData, frameHeaders:
			asked := flags&flagEndStream != 0 || typ == frameData && len(payload) > 0
			if asked && !answered[stream] {
				answered[stream] = true
				out = reply(stream)
			}
		}
		if out == nil {
			continue
		}
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}

func acknowledge(typ byte, payload []byte) []byte {
	if typ == frameSettings {
		payload = nil
	}
	return frame(typ, flagAck, 0, payload)
}
