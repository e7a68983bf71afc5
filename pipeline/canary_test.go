package pipeline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

// shown collects everything that a program could print.
type shown struct {
	mu   sync.Mutex
	text map[string][]string
}

func (s *shown) add(where string, things ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range things {
		if text, ok := v.(string); ok {
			s.text[where] = append(s.text[where], text)
			continue
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			s.text[where+" "+verb] = append(s.text[where+" "+verb], fmt.Sprintf(verb, v))
		}
	}
}

// leaks lists where the canary was seen, also as %x writes it.
func (s *shown) leaks() []string {
	var out []string
	for where, texts := range s.text {
		for _, text := range texts {
			for _, form := range []string{canary, fmt.Sprintf("%x", canary), strings.Trim(fmt.Sprint([]byte(canary)), "[]")} { //nolint:staticcheck // the numbers are what %d writes
				if at := strings.Index(text, form); at >= 0 {
					out = append(out, where+": …"+text[max(0, at-120):min(len(text), at+60)]+"…")
				}
			}
		}
	}
	return out
}

// TestCanary is I8: no secret shows in anything that leat writes, prints or sends to another origin.
func TestCanary(t *testing.T) { synctest.Test(t, tryCanaries) }

func tryCanaries(t *testing.T) {
	var logs bytes.Buffer
	var writing sync.Mutex
	lines := writerFunc(func(p []byte) (int, error) { writing.Lock(); defer writing.Unlock(); return logs.Write(p) })
	level := &slog.HandlerOptions{Level: slog.LevelDebug - 8}
	logger := slog.New(slog.NewMultiHandler(slog.NewJSONHandler(lines, level), slog.NewTextHandler(lines, level)))
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	up, seen := &indiscreet{}, &shown{text: map[string][]string{}}
	trouble := stageOf("trouble", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		switch req.Header.Get("X-Trouble") {
		case "panic":
			_, _ = next.RoundTrip(req)
			panic(fmt.Sprintf("%v token=%s", req.Header, canary+"in-a-panic"))
		case "error":
			resp, err := next.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			return nil, pipeline.Errorf(pipeline.KindPolicy, "password=%s: %w", canary+"in-an-error", pipeline.Errorf(pipeline.KindPolicy, "api_key=%s", canary))
		}
		return next.RoundTrip(req)
	})
	opts := []pipeline.Option{
		pipeline.WithEnviron(nil), pipeline.WithLogger(logger), pipeline.WithTracerProvider(provider), pipeline.WithStages(append(stages.All(), trouble)...),
		pipeline.WithTransport("default", up), pipeline.WithObserver(func(c *pipeline.Call, e pipeline.Event) { seen.add("event", e) }),
		pipeline.WithSecrets(map[string]string{
			"shared": canary + "password", "TOKEN": canary + "token", "PASSWORD": canary + "basic", "KEY": canary + "key", "CLIENT_SECRET": canary + "client",
		}),
	}
	run, err := pipeline.OpenBytes(t.Context(), "canary.toml", []byte(canaryFile), opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	for _, name := range run.Names() {
		p, err := run.Pipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, try := range []struct{ method, ref, header, value string }{
			{"GET", "/ok", "", ""},
			{"POST", "/ok", "", ""},
			{"GET", "/503", "", ""},
			{"GET", "/error", "", ""},
			{"GET", "/broken", "", ""},
			{"GET", "/ok", "X-Trouble", "panic"},
			{"GET", "/ok", "X-Trouble", "error"},
			{"GET", "/ok?access_token=" + canary + "mine&page=2", "X-Api-Key", canary + "mine"},
			{"POST", "/error?api_key=" + canary + "mine", "Authorization", "Bearer " + canary + "mine"},
			{"GET", "https://ada:" + canary + "userinfo@api.example.com/error", "", ""},
			{"GET", "/redirect?to=https://evil.example.net/", "", ""},
			{"GET", "/redirect?to=https://api.example.com:8443/", "", ""},
			{"GET", "/redirect?to=https://sub.api.example.com/", "", ""},
			{"GET", "/redirect?to=http://api.example.com/", "", ""},
			{"GET", "/redirect?to=https://evil.example.net/&token=" + canary + "mine", "X-Api-Key", canary + "mine"},
			{"GET", "/redirect?to=https://sub.api.example.com/", "Authorization", "Bearer " + canary + "mine"},
			{"GET", "/401", "", ""}, // at last: a session whose new tokens are refused cools down, and sends nothing more
		} {
			for _, client := range []*http.Client{p.Client(), p.Client(pipeline.StatusErrors())} {
				tryCanary(t, p, client, seen, try.method, try.ref, try.header, try.value)
			}
		}
		seen.add("pipeline", p, deref(p), p.Client(), p.Stages(), p.BaseURL())
	}
	dumpRunner(t, run, seen, opts)
	for _, s := range recorder.Ended() {
		seen.add("span", s.Name(), s.Attributes(), s.Events(), s.Status(), s.Links())
	}
	if len(recorder.Ended()) < 500 {
		t.Errorf("only %d spans", len(recorder.Ended()))
	}
	seen.add("log", logs.String())
	for _, sent := range up.foreign {
		seen.add("foreign origin", sent)
	}
	if len(up.foreign) < 30 {
		t.Errorf("only %d requests to foreign origins", len(up.foreign))
	}
	for i, leak := range seen.leaks() {
		if i < 20 {
			t.Error(leak)
		}
	}
}

func tryCanary(t *testing.T, p *pipeline.Pipeline, client *http.Client, seen *shown, method, ref, header, value string) {
	ctx := pipeline.With(t.Context(), pipeline.Operation("try"), pipeline.Label("k", "v"))
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(`{"user":{"password":"` + canary + `in-the-request"},"id":1}`)
	}
	req, err := p.NewRequest(ctx, method, ref, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if header != "" {
		req.Header.Set(header, value)
	}
	resp, err := client.Do(req)
	call := pipeline.CallOf(resp)
	if err == nil {
		_, rerr := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		seen.add("read error", rerr)
	}
	own, isOwn := errors.AsType[*pipeline.Error](err)
	if isOwn {
		call = own.Call()
	}
	if err != nil && !isOwn {
		t.Fatalf("%s %s: no *pipeline.Error: %v", method, ref, err)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		typ := reflect.TypeOf(e)
		for typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if strings.Contains(typ.PkgPath(), "leatdev/leat") { // net/http prints the caller's URL itself, and a transport's error is its own
			seen.add("error "+typ.String(), e)
		}
	}
	state, _ := call.CredentialState()
	seen.add("call", call, call.Events(), call.Attached(), call.Message(), state)
	text, jerr := json.Marshal([]any{call.Events(), state})
	if jerr != nil {
		t.Error(jerr)
	}
	seen.add("json", string(text))
}

// dumpRunner prints all that a program can get hold of.
func dumpRunner(t *testing.T, run *pipeline.Runner, seen *shown, opts []pipeline.Option) {
	seen.add("runner", run, deref(run), run.Redactor())
	seen.add("options", opts)
	for _, name := range []string{"login", "bearer", "basic", "key", "query", "oauth"} {
		s, err := run.Credential(name, "")
		if err != nil {
			t.Fatal(err)
		}
		seen.add("session "+name, s, s.State(), s.Peek())
		_, lerr := s.Acquire(t.Context())
		seen.add("session error", lerr)
	}
	f, err := config.Read("canary.toml", []byte(canaryFile))
	if err != nil {
		t.Fatal(err)
	}
	registry, err := pipeline.NewRegistry(append(stages.All(), stageOf("trouble", nil))...)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pipeline.Check(f, registry)
	if err != nil {
		t.Fatal(err)
	}
	seen.add("plan", plan, *plan, pipeline.Settings{Redactor: run.Redactor()})
}

// deref copies what p points to, locks and all, to see what fmt makes of the value.
func deref(p any) any { return reflect.ValueOf(p).Elem().Interface() }

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
