package pipeline_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

// The frame types of RFC 9113 §6 that the peer below knows.
const (
	frameData     = 0x0
	frameHeaders  = 0x1
	frameRST      = 0x3
	frameSettings = 0x4
	frameGoAway   = 0x7
)

func frame(typ, flags byte, stream uint32, payload []byte) []byte {
	b := make([]byte, 9, 9+len(payload))
	b[0], b[1], b[2] = byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload))
	b[3], b[4] = typ, flags
	binary.BigEndian.PutUint32(b[5:], stream)
	return append(b, payload...)
}

func code(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// peer speaks just enough HTTP/2 to answer the n-th request of the test, once some of its body is there, with the frames that
// reply returns.
func peer(t *testing.T, reply func(n int, stream uint32) []byte) (url, ca string) {
	t.Helper()
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	ca = filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, ca, "CERTIFICATE", certified.Certificate().Raw)
	config := &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"h2"}}
	var n atomic.Int32
	var conns sync.WaitGroup
	t.Cleanup(conns.Wait)
	// net/http may find the stream still there when it closes what is idle, and would keep the connection for idle_conn_timeout.
	ended, end := context.WithCancel(context.Background()) //nolint:usetesting // ends later: in its turn among the cleanups
	t.Cleanup(end)
	serve := func(c net.Conn) {
		defer context.AfterFunc(ended, func() { _ = c.Close() })()
		conn := tls.Server(c, config)
		defer conn.Close()
		preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
		if _, err := io.ReadFull(conn, preface); err != nil {
			return
		}
		_, _ = conn.Write(frame(frameSettings, 0, 0, nil))
		answered := map[uint32]bool{}
		for {
			head := make([]byte, 9)
			if _, err := io.ReadFull(conn, head); err != nil {
				return
			}
			payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
			if _, err := io.ReadFull(conn, payload); err != nil {
				return
			}
			stream := binary.BigEndian.Uint32(head[5:])
			asked := head[3] == frameData && len(payload) > 0 || head[3] == frameHeaders && head[4]&1 != 0
			if !asked || answered[stream] {
				continue
			}
			answered[stream] = true
			out := reply(int(n.Add(1)), stream)
			_, _ = conn.Write(out)
			if out[3] == frameGoAway {
				return
			}
		}
	}
	addr := socket(t, func(_ int, c net.Conn) { conns.Go(func() { serve(c) }) })
	return "https://" + addr, ca
}

func TestTransport_http2(t *testing.T) {
	const refused, internal = 7, 2
	ok := func(stream uint32) []byte { return frame(frameHeaders, 0x5, stream, []byte{0x88}) } // END_STREAM, END_HEADERS, :status 200
	goAway := func(last, why uint32) []byte { return frame(frameGoAway, 0, 0, append(code(last), code(why)...)) }
	streamed := func() io.Reader { return io.MultiReader(strings.NewReader("can't be had again")) }
	for _, tc := range []struct {
		name    string
		body    func() io.Reader
		reply   func(n int, stream uint32) []byte
		class   pipeline.Class // "": an answer
		resends int
	}{
		{
			"refused_stream", streamed,
			func(_ int, stream uint32) []byte { return frame(frameRST, 0, stream, code(refused)) }, pipeline.ClassRefused, 0,
		},
		{
			"other_stream_error", streamed,
			func(_ int, stream uint32) []byte { return frame(frameRST, 0, stream, code(internal)) }, pipeline.ClassUnknown, 0,
		},
		{
			"goaway_below_the_stream", streamed, func(int, uint32) []byte { return goAway(0, 0) }, pipeline.ClassRefused, 0,
		},
		{
			"goaway_with_an_error", streamed, func(_ int, stream uint32) []byte { return goAway(stream, internal) }, pipeline.ClassUnknown, 0,
		},
		{
			"refused_once_and_resent_by_net_http", func() io.Reader { return bytes.NewReader([]byte("again")) },
			func(n int, stream uint32) []byte {
				if n == 1 {
					return frame(frameRST, 0, stream, code(refused))
				}
				return ok(stream)
			}, "", 1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url, ca := peer(t, tc.reply)
			p := dial(t, "", "ca = \""+ca+"\"")
			req, _ := http.NewRequestWithContext(t.Context(), "POST", url, tc.body())
			resp, err := p.RoundTrip(req)
			if tc.class == "" {
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				c := pipeline.CallOf(resp)
				noted := slices.ContainsFunc(c.Events(), func(e pipeline.Event) bool { return e.Name == pipeline.EventResent })
				if c.Sends() != 1 || c.TransportResends() != tc.resends || !noted {
					t.Errorf("%d sends, %d resends, noted %v", c.Sends(), c.TransportResends(), noted)
				}
				return
			}
			if err == nil {
				t.Fatalf("got %s", resp.Status)
			}
			if e := kindOf(t, err, pipeline.KindNetwork); e.Class != tc.class {
				t.Errorf("got %v, class %s, want %s", err, e.Class, tc.class)
			}
		})
	}
}
