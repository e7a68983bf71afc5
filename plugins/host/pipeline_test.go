//go:build linux || darwin

package host

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
)

type upstream func(*http.Request) (*http.Response, error)

func (f upstream) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok")), Request: r}, nil
}

// opened opens a pipeline with one stage of a plugin; it is not closed.
func opened(t *testing.T, h *Host, p pipeline.PluginPlan, keys string) (*pipeline.Runner, *pipeline.Pipeline) {
	t.Helper()
	var command []string
	for _, word := range p.Config.Command {
		command = append(command, strconv.Quote(word))
	}
	file := fmt.Sprintf(`version = 1

[plugins.raw]
command = [%s]
start_timeout = "20s"

[pipelines.api]
base_url = "http://example.com"
stages = ["pass"]

[stages.pass]
use = "raw/pass"
%s
`, strings.Join(command, ", "), keys)
	r, err := pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte(file), pipeline.WithPlugins(h), pipeline.WithEnviron(nil),
		pipeline.WithTransport("*", upstream(answer)), pipeline.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	api, err := r.Pipeline("api")
	if err != nil {
		t.Fatal(err)
	}
	return r, api
}

func get(t *testing.T, p *pipeline.Pipeline) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.RoundTrip(req)
	if err != nil {
		return err
	}
	return errors.Join(resp.Body.Close())
}

func TestPipeline(t *testing.T) {
	t.Run("in_virtual_time_starts_uses_and_stops_a_process", func(t *testing.T) {
		h := newHost(t, WithClock())
		p := planOf(t, "ok")
		synctest.Test(t, func(t *testing.T) {
			r, api := opened(t, h, p, `timeout = "1s"`)
			begun := time.Now()
			for range 3 {
				if err := get(t, api); err != nil {
					t.Error(err)
				}
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if passed := time.Since(begun); passed != 0 {
				t.Errorf("%s have passed", passed)
			}
		})
	})
	t.Run("in_virtual_time_replaces_a_process_that_died", func(t *testing.T) {
		h := newHost(t)
		p := planOf(t, "ok")
		synctest.Test(t, func(t *testing.T) {
			r, api := opened(t, h, p, `timeout = "1s"`)
			for range 3 {
				if err := get(t, api); err != nil {
					t.Error(err)
				}
				_ = syscall.Kill(onlyPID(t, h), syscall.SIGKILL)
				if err := get(t, api); err != nil && !errors.Is(err, pipeline.KindPlugin) {
					t.Error(err)
				}
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("with_a_frozen_process_fails_in_time_and_recovers", func(t *testing.T) {
		h := newHost(t)
		r, api := opened(t, h, planOf(t, "ok"), `timeout = "300ms"`)
		if err := api.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		Freeze(t, onlyPID(t, h))
		failed := false
		for deadline := time.Now().Add(20 * time.Second); ; {
			err := get(t, api)
			if failed = failed || err != nil; failed && err == nil {
				break
			}
			if err != nil && !errors.Is(err, pipeline.KindPlugin) || time.Now().After(deadline) {
				t.Fatalf("got %v", err)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct{ name, keys string }{{"fail", `timeout = "1s"`}, {"skip", "timeout = \"1s\"\non_failure = \"skip\""}} {
		t.Run("with_a_process_that_is_killed_again_and_again_gives_every_caller_an_answer/"+c.name, func(t *testing.T) {
			h := newHost(t)
			r, api := opened(t, h, planOf(t, "ok"), c.keys)
			stop := make(chan struct{})
			var killer, callers sync.WaitGroup
			killer.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(30 * time.Millisecond):
						h.mu.Lock()
						for _, p := range h.procs {
							p.mu.Lock()
							if p.life != nil {
								_ = syscall.Kill(p.life.pid(), syscall.SIGKILL)
							}
							p.mu.Unlock()
						}
						h.mu.Unlock()
					}
				}
			})
			for range 16 {
				callers.Go(func() {
					for range 200 {
						err := get(t, api)
						if err != nil && (c.name == "skip" || !errors.Is(err, pipeline.KindPlugin)) {
							t.Errorf("got %v", err)
							return
						}
					}
				})
			}
			callers.Wait()
			close(stop)
			killer.Wait()
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// onlyPID waits for the host's one process to run.
func onlyPID(t *testing.T, h *Host) int {
	t.Helper()
	for range 1_000_000 {
		h.mu.Lock()
		for _, p := range h.procs {
			p.mu.Lock()
			l := p.life
			p.mu.Unlock()
			if l != nil && !l.over() {
				h.mu.Unlock()
				return l.pid()
			}
		}
		h.mu.Unlock()
	}
	t.Fatal("no process runs")
	return 0
}
