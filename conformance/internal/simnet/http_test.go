package simnet_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/conformance/internal/simnet"
)

const host = "api.test"

// protocols holds the two that net/http speaks over TLS.
var protocols = map[string]int{"http1": 1, "http2": 2}

type connKey struct{}

// connOf returns the server's end of the connection that a request came on.
func connOf(req *http.Request) *simnet.Conn { return req.Context().Value(connKey{}).(*simnet.Conn) }

// serve runs an HTTPS server of one protocol on a network of its own and returns a client of it. All of it ends with stop.
func serve(t *testing.T, major int, handler http.HandlerFunc) (client *http.Client, stop func()) {
	t.Helper()
	var speaks http.Protocols
	speaks.SetHTTP1(major == 1)
	speaks.SetHTTP2(major == 2)
	authority := simnet.NewAuthority()
	listener := simnet.Listen(host + ":443")
	server := &http.Server{
		Handler: handler, Protocols: &speaks, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{authority.Certificate(host)}},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c.(*tls.Conn).NetConn())
		},
	}
	served := make(chan error)
	go func() { served <- server.ServeTLS(listener, "", "") }()
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return listener.Dial(ctx) },
		TLSClientConfig:   &tls.Config{RootCAs: authority.Pool()},
		ForceAttemptHTTP2: major == 2,
	}
	return &http.Client{Transport: transport}, func() {
		synctest.Wait()
		transport.CloseIdleConnections()
		server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the server ended with %v", err)
		}
	}
}

// pattern returns n bytes in which a piece that is lost or repeated shows.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>16 ^ i>>8 ^ i)
	}
	return b
}

func TestHTTP(t *testing.T) {
	large := pattern(2 << 20)
	for name, major := range protocols {
		t.Run(name+"/carries_requests_and_answers_in_no_time", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				client, stop := serve(t, major, func(w http.ResponseWriter, req *http.Request) {
					body, err := io.ReadAll(req.Body)
					if err != nil || !bytes.Equal(body, large) {
						t.Errorf("the server read %d bytes, %v", len(body), err)
					}
					w.Write(body)
				})
				for range 3 {
					resp, err := client.Post("https://"+host, "", bytes.NewReader(large))
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || !bytes.Equal(body, large) || resp.ProtoMajor != major {
						t.Errorf("the client read %d bytes of HTTP/%d, %v", len(body), resp.ProtoMajor, err)
					}
				}
				stop()
				if got := time.Since(began); got != 0 {
					t.Errorf("it took %v", got)
				}
			})
		})
	}
}

// The failures are those of a body that was promised larger than what comes.
func TestHTTP_connection_ends_in_mid_body(t *testing.T) {
	const sent = 1000
	for name, major := range protocols {
		for _, tc := range []struct {
			name string
			end  func(*simnet.Conn)
			want error
		}{
			{"reset", (*simnet.Conn).Reset, syscall.ECONNRESET},
			{"closed", func(c *simnet.Conn) { c.Close() }, io.ErrUnexpectedEOF},
		} {
			t.Run(fmt.Sprintf("%s/%s", name, tc.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, stop := serve(t, major, func(w http.ResponseWriter, req *http.Request) {
						w.Header().Set("Content-Length", "5000")
						w.Write(pattern(sent))
						w.(http.Flusher).Flush()
						synctest.Wait() // the HTTP/2 server writes after its Flush
						conn := connOf(req)
						if err := conn.Flush(req.Context()); err != nil {
							t.Errorf("flushing: %v", err)
						}
						tc.end(conn)
					})
					defer stop()
					resp, err := client.Get("https://" + host)
					if err != nil {
						t.Fatal(err)
					}
					defer resp.Body.Close()
					body, err := io.ReadAll(resp.Body)
					if !errors.Is(err, tc.want) {
						t.Errorf("got %v, want %v", err, tc.want)
					}
					if !bytes.Equal(body, pattern(sent)) {
						t.Errorf("got %d bytes of the body, want %d", len(body), sent)
					}
				})
			})
		}
	}
}

func TestHTTP_dead_link(t *testing.T) {
	for name, major := range protocols {
		for _, tc := range []struct {
			name   string
			freeze func(req *http.Request, w http.ResponseWriter)
		}{
			{"before_the_answer", func(req *http.Request, _ http.ResponseWriter) { connOf(req).Freeze() }},
			{"in_mid_body", func(req *http.Request, w http.ResponseWriter) {
				w.Write(pattern(1000))
				w.(http.Flusher).Flush()
				synctest.Wait()
				connOf(req).Freeze()
			}},
		} {
			t.Run(fmt.Sprintf("%s/%s", name, tc.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					told := make(chan struct{})
					client, stop := serve(t, major, func(w http.ResponseWriter, req *http.Request) {
						tc.freeze(req, w)
						w.Write(pattern(1000)) // succeeds, and arrives nowhere
						<-req.Context().Done()
						close(told)
					})
					defer stop()
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
					defer cancel()
					began := time.Now()
					req, _ := http.NewRequestWithContext(ctx, "GET", "https://"+host, nil)
					resp, err := client.Do(req)
					if err == nil {
						var body []byte
						body, err = io.ReadAll(resp.Body)
						resp.Body.Close()
						if len(body) != 1000 {
							t.Errorf("got %d bytes of the body", len(body))
						}
					}
					if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 30*time.Second {
						t.Errorf("got %v after %v", err, time.Since(began))
					}
					synctest.Wait()               // net/http forgets the request a moment after it returned
					client.CloseIdleConnections() // HTTP/2 keeps the connection when a request ends
					<-told
				})
			})
		}
	}
}
