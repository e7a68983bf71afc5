package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// collector is an OTLP/HTTP server that keeps what it is sent.
type collector struct {
	mu    sync.Mutex
	paths []string
	types []string
	body  bytes.Buffer
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paths, c.types = append(c.paths, r.URL.Path), append(c.types, r.Header.Get("Content-Type"))
	_, _ = io.Copy(&c.body, r.Body)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func collect(t *testing.T) (*collector, string) {
	t.Helper()
	c := &collector{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, server.URL
}

func TestExport_reaches_a_collector(t *testing.T) {
	c, url := collect(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	code, _, stderr := leat(t, t.Context(), "send", "demo", "/posts/1", "-q")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d, standard error %q", code, stderr)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.paths) == 0 || c.paths[0] != "/v1/traces" || c.types[0] != "application/x-protobuf" {
		t.Fatalf("got paths %q of types %q", c.paths, c.types)
	}
	for _, want := range []string{"service.name", "pipeline demo", "stage validate", "http.response.status_code"} {
		if !bytes.Contains(c.body.Bytes(), []byte(want)) {
			t.Errorf("%q was not exported", want)
		}
	}
}

func TestExport_is_off(t *testing.T) {
	for _, variable := range []string{"OTEL_SDK_DISABLED=true", "OTEL_SDK_DISABLED=TRUE", "OTEL_TRACES_EXPORTER=none"} {
		t.Run(variable, func(t *testing.T) {
			c, url := collect(t)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
			name, value, _ := strings.Cut(variable, "=")
			t.Setenv(name, value)
			code, _, stderr := leat(t, t.Context(), "send", "demo", "/posts/1", "-q", "--trace")
			if code != 0 || !strings.HasPrefix(stderr, "trace:\n") {
				t.Errorf("exit %d, standard error %q; want the spans drawn all the same", code, stderr)
			}
			if c.mu.Lock(); len(c.paths) > 0 {
				t.Errorf("it exported to %q", c.paths)
			}
			c.mu.Unlock()
		})
	}
}

func TestExport_tells_in_one_line_that_it_failed(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	code, stdout, stderr := leat(t, t.Context(), "send", "demo", "/posts/1", "-q")
	if code != 0 || stdout == "" {
		t.Errorf("exit %d with %q: the request itself did not fail", code, stdout)
	}
	if !strings.HasPrefix(stderr, "leat: export spans: ") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("standard error %q", stderr)
	}
}

func TestExport_refuses_variables_that_can_not_hold(t *testing.T) {
	const url = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"
	for _, tc := range []struct{ environ, want string }{
		{"OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318", "OTEL_EXPORTER_OTLP_ENDPOINT: must be an absolute URL"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=/v1/traces", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be an absolute URL"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=unix:///run/otel", "OTEL_EXPORTER_OTLP_ENDPOINT: must be an absolute URL"},
		{url + " OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported, only http/protobuf is"},
		{url + " OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: http/json is not supported"},
		{url + " OTEL_EXPORTER_OTLP_TIMEOUT=5s", "OTEL_EXPORTER_OTLP_TIMEOUT: must be a whole number of milliseconds"},
		{url + " OTEL_EXPORTER_OTLP_HEADERS=canary-3f9a", "OTEL_EXPORTER_OTLP_HEADERS: must be name=value pairs"},
		{url + " OTEL_EXPORTER_OTLP_CERTIFICATE=/none.pem", "OTEL_EXPORTER_OTLP_CERTIFICATE: open /none.pem: "},
		{"OTEL_TRACES_EXPORTER=zipkin", "OTEL_TRACES_EXPORTER=zipkin: must be otlp, console or none"},
	} {
		t.Run(tc.environ, func(t *testing.T) {
			for variable := range strings.FieldsSeq(tc.environ) {
				name, value, _ := strings.Cut(variable, "=")
				t.Setenv(name, value)
			}
			code, stdout, stderr := leat(t, t.Context(), "send", "demo", "/posts/1")
			if code != exitUsage || stdout != "" || !strings.HasPrefix(stderr, "leat: "+tc.want) || strings.Contains(stderr, "canary") {
				t.Errorf("exit %d, standard output %q, standard error %q; want exit %d and %q", code, stdout, stderr, exitUsage, tc.want)
			}
		})
	}
}

func TestExport_lets_the_variable_for_traces_win(t *testing.T) {
	c, url := collect(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url+"/taken/as/it/is")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
	code, _, stderr := leat(t, t.Context(), "send", "demo", "/posts/1", "-q")
	c.mu.Lock()
	defer c.mu.Unlock()
	if code != 0 || stderr != "" || len(c.paths) == 0 || c.paths[0] != "/taken/as/it/is" {
		t.Errorf("exit %d, standard error %q, paths %q", code, stderr, c.paths)
	}
}

func TestTrace_fits_a_screen(t *testing.T) {
	_, _, stderr := leat(t, t.Context(), "send", "demo", "/posts/1", "-q", "--trace")
	for line := range strings.Lines(stderr) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 79 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	var deep []spanReport
	parent := ""
	for id := range strings.SplitSeq("abcdefghijklmnopqrstuvwxyz0123456789", "") {
		deep = append(deep, spanReport{Name: "stage " + id, ID: id, Parent: parent, DurationMS: 12345.6})
		parent = id
	}
	var b strings.Builder
	drawTrace(&b, deep)
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 79 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(b.String(), strings.Repeat("█", shortestBar)) {
		t.Errorf("no bar is left:\n%s", b.String())
	}
}
