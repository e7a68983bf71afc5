//go:build unix

package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential/redisstore"
	"github.com/leatdev/leat/stages"
)

// work is a process of the fleet: it calls until its standard input ends, and prints what came of that.
func work(path string) int {
	if err := call(path); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 1
	}
	return 0
}

func call(path string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	r, err := pipeline.Open(context.Background(), path, pipeline.WithStages(stages.All()...), pipeline.WithStores(redisstore.Factory()))
	if err != nil {
		return err
	}
	p, err := r.Pipeline("api")
	if err != nil {
		return err
	}
	callers, err := strconv.Atoi(os.Getenv("LEAT_OIDC_CALLERS"))
	if err != nil {
		return err
	}
	all := &tally{result: result{Failures: map[string]int{}}}
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for ctx.Err() == nil {
				_, err := pipeline.Get[map[string]any](context.Background(), p, "/api")
				all.add(err)
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	group.Wait()
	return errors.Join(json.NewEncoder(os.Stdout).Encode(all.result), r.Close())
}

var waits = regexp.MustCompile(`next try in [\d.a-zµ]+`)

// describe is an error without what differs from call to call.
func describe(err error) string {
	return fmt.Sprintf("%s: %s", pipeline.KindOf(err), waits.ReplaceAllString(err.Error(), "next try in …"))
}

// cutter is a proxy before the token endpoint that swallows one answer.
type cutter struct {
	origin string
	at     int64        // which request it is
	seen   atomic.Int64 // requests so far
	after  atomic.Int64 // requests since
}

func startCutter(t *testing.T, origin string, at int64) *cutter {
	t.Helper()
	target, err := url.Parse(origin)
	must(t, err)
	c := &cutter{at: at}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = target.Host }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := c.seen.Add(1)
		if n > c.at {
			c.after.Add(1)
		}
		if n != c.at {
			proxy.ServeHTTP(w, r)
			return
		}
		proxy.ServeHTTP(httptest.NewRecorder(), r) // the provider has rotated
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // and nobody learns what to
		}
		_ = conn.Close()
	}))
	t.Cleanup(s.Close)
	c.origin = s.URL
	return c
}
