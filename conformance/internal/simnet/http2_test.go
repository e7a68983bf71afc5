package simnet_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/conformance/internal/simnet"
)

// faulty returns a transport each of whose connections ends at a peer with the fault. Connections that a request was sent on are
// not closed by the tests: the fault has to suffice, or the bubble would not end.
func faulty(fault string, dials *atomic.Int32) *http.Transport {
	authority := simnet.NewAuthority()
	config := &tls.Config{Certificates: []tls.Certificate{authority.Certificate(host)}}
	return &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			dials.Add(1)
			near, far := pipe()
			go simnet.ServeHTTP2Fault(far, config, fault)
			return near, nil
		},
		TLSClientConfig:   &tls.Config{RootCAs: authority.Pool()},
		ForceAttemptHTTP2: true,
	}
}

// once returns a body that net/http can't send again.
func once(text string) io.Reader { return io.MultiReader(strings.NewReader(text)) }

// says returns whether an error has the text. net/http wraps some of its HTTP/2 errors as text only.
func says(text string) func(error) bool {
	return func(err error) bool { return err != nil && strings.Contains(err.Error(), text) }
}

func TestServeHTTP2Fault(t *testing.T) {
	for _, tc := range []struct {
		fault string
		fits  func(error) bool
	}{
		{"refused_stream", says("; REFUSED_STREAM; received from peer")},
		{"goaway", says("received Server's graceful shutdown GOAWAY")},
		{"stream_error", says("; INTERNAL_ERROR; received from peer")},
	} {
		for name, text := range map[string]string{"small": "a body", "large": strings.Repeat("much", 1<<18), "empty": ""} {
			t.Run(tc.fault+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var dials atomic.Int32
					client := &http.Client{Transport: faulty(tc.fault, &dials)}
					began := time.Now()
					for n := range int32(2) { // the second shows that the first connection is not used again
						resp, err := client.Post("https://"+host, "", once(text))
						if !tc.fits(err) {
							t.Errorf("got %v, %v", resp, err)
						}
						if got := dials.Load(); got != n+1 {
							t.Errorf("after %d requests there were %d connections", n+1, got)
						}
					}
					if got := time.Since(began); got > time.Microsecond {
						t.Errorf("it took %v", got)
					}
				})
			})
		}
		t.Run(tc.fault+"/of_concurrent_requests", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var dials atomic.Int32
				transport := faulty(tc.fault, &dials)
				client := &http.Client{Transport: transport}
				results := make(chan error)
				for range 8 {
					go func() {
						_, err := client.Post("https://"+host, "", once("a body"))
						results <- err
					}()
				}
				for range 8 {
					if err := <-results; !tc.fits(err) {
						t.Errorf("got %v", err)
					}
				}
				synctest.Wait()
				transport.CloseIdleConnections() // net/http dials one for each request, and may not need them all
			})
		})
	}
	for _, fault := range []string{"refused_stream", "goaway"} {
		t.Run(fault+"/lets_net_http_resend_what_it_can_on_another_connection", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var dials atomic.Int32
				transport := faulty(fault, &dials)
				first := transport.DialContext
				transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
					if dials.Load() > 0 {
						return nil, simnet.Refused(addr)
					}
					return first(ctx, network, addr)
				}
				client := &http.Client{Transport: transport}
				if _, err := client.Get("https://" + host); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
	t.Run("returns_when_the_client_goes_without_a_request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			authority := simnet.NewAuthority()
			config := &tls.Config{Certificates: []tls.Certificate{authority.Certificate(host)}}
			near, far := pipe()
			time.AfterFunc(time.Second, func() { near.Close() })
			simnet.ServeHTTP2Fault(far, config, "goaway")
			if len(config.NextProtos) != 0 {
				t.Error("the caller's configuration was changed")
			}
		})
	})
	t.Run("gives_a_client_that_stays_a_second", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			authority := simnet.NewAuthority()
			config := &tls.Config{Certificates: []tls.Certificate{authority.Certificate(host)}}
			near, far := pipe()
			client := tls.Client(near, &tls.Config{RootCAs: authority.Pool(), ServerName: host, NextProtos: []string{"h2"}})
			began := time.Now()
			served := make(chan time.Duration, 1)
			go func() {
				simnet.ServeHTTP2Fault(far, config, "goaway")
				served <- time.Since(began)
			}()
			// Two requests without a header: the second ends late.
			write(t, client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+"\x00\x00\x00\x01\x05\x00\x00\x00\x01"+"\x00\x00\x00\x01\x04\x00\x00\x00\x03")
			time.AfterFunc(time.Minute, func() { client.Write([]byte("\x00\x00\x00\x00\x01\x00\x00\x00\x03")) })
			if got, err := io.ReadAll(client); err != nil || bytes.Count(got, []byte("\x00\x00\x08\x07\x00\x00\x00\x00\x00")) != 2 {
				t.Errorf("got %q, %v, want two GOAWAY frames", got, err)
			}
			if got, want := <-served, time.Minute+time.Second; got != want {
				t.Errorf("it returned after %v, want %v", got, want)
			}
			client.Close()
		})
	})
	t.Run("panics_on_a_fault_that_it_does_not_know", func(t *testing.T) {
		defer func() {
			if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), `"typo"`) {
				t.Errorf("got %v", p)
			}
		}()
		_, far := pipe()
		simnet.ServeHTTP2Fault(far, &tls.Config{}, "typo")
	})
}
