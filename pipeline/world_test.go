package pipeline_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/internal/memnet"
	"github.com/leatdev/leat/stages"
)

// plot is one random history: a file, an upstream that misbehaves as written, and callers.
type plot struct {
	Order       []string
	MaxAttempts int
	Answers     []reply // to the requests in the order of their arrival; the last one repeats
	Revoked     []int   // ms after which all tokens given so far are dead
	TokenDelay  int     // ms
	TokenFails  []bool  // the token endpoint's answers; beyond them it succeeds
	Callers     []caller
}

// reply is what the upstream does with one request.
type reply struct {
	How        string
	Status     int
	RetryAfter string
	Delay      int // ms before the headers
	ReadBody   bool
}

// caller is one call.
type caller struct {
	Start, Cancel, Deadline int // ms; 0: never cancelled, no deadline
	Method, Body            string
	Key, NoRetry            bool
	ReadAll                 bool
}

const payload = "the quick brown fox jumps over the lazy dog"

func plots() *rapid.Generator[plot] {
	replies := rapid.Custom(func(r *rapid.T) reply {
		return reply{
			How:        rapid.SampledFrom([]string{"answer", "answer", "answer", "answer", "reset", "half", "stall", "hang", "html"}).Draw(r, "how"),
			Status:     rapid.SampledFrom([]int{200, 200, 201, 204, 400, 401, 403, 404, 408, 409, 425, 429, 500, 502, 503, 503, 504}).Draw(r, "status"),
			RetryAfter: rapid.SampledFrom([]string{"", "", "0", "1", "3", "100", "9223372037", "-1", "soon"}).Draw(r, "retry-after"),
			Delay:      rapid.SampledFrom([]int{0, 0, 1, 30, 700, 2500}).Draw(r, "delay"),
			ReadBody:   rapid.Bool().Draw(r, "read"),
		}
	})
	callers := rapid.Custom(func(r *rapid.T) caller {
		return caller{
			Start:    rapid.SampledFrom([]int{0, 0, 0, 5, 200, 1500}).Draw(r, "start"),
			Cancel:   rapid.SampledFrom([]int{0, 0, 0, 0, 1, 20, 333, 2000}).Draw(r, "cancel"),
			Deadline: rapid.SampledFrom([]int{0, 0, 0, 40, 777, 4000}).Draw(r, "deadline"),
			Method:   rapid.SampledFrom([]string{"GET", "POST", "POST", "PATCH", "PUT", "DELETE"}).Draw(r, "method"),
			Body:     rapid.SampledFrom([]string{"none", "getbody", "known", "unknown", "pipe", "large"}).Draw(r, "body"),
			Key:      rapid.IntRange(0, 3).Draw(r, "key") == 0,
			NoRetry:  rapid.IntRange(0, 9).Draw(r, "noretry") == 0,
			ReadAll:  rapid.Bool().Draw(r, "readall"),
		}
	})
	usual := []string{"auth", "refresh", "retry", "log", "error-map", "validate"}
	return rapid.Custom(func(r *rapid.T) plot {
		p := plot{
			Order: usual, MaxAttempts: rapid.IntRange(1, 4).Draw(r, "max"),
			Answers:    rapid.SliceOfN(replies, 1, 10).Draw(r, "answers"),
			Revoked:    rapid.SliceOfN(rapid.SampledFrom([]int{1, 10, 250, 1600, 3000}), 0, 2).Draw(r, "revoked"),
			TokenDelay: rapid.SampledFrom([]int{0, 3, 400, 4000}).Draw(r, "token delay"),
			Callers:    rapid.SliceOfN(callers, 1, 6).Draw(r, "callers"),
		}
		if rapid.IntRange(0, 3).Draw(r, "token fails") == 0 {
			p.TokenFails = rapid.SliceOfN(rapid.Bool(), 1, 4).Draw(r, "fails")
		}
		if rapid.Bool().Draw(r, "reorder") {
			p.Order = rapid.Permutation(usual).Draw(r, "order")
		}
		return p
	})
}

// arrival is one request as the upstream saw it.
type arrival struct {
	At, End  time.Time
	Request  string // method, URL and headers, without the credential
	Body     string
	Complete bool // the body was read to its end
	Token    string
	Reply    reply
	Status   int // that was sent, 0 if none
}

// world is the upstream and what came of the callers.
type world struct {
	plot plot
	t    *testing.T

	mu       sync.Mutex
	arrivals map[string][]arrival // by call
	all      int
	dead     int             // tokens up to this number are revoked
	given    int             // tokens
	grants   int             // token requests that arrived
	refused  map[string]bool // tokens that a 401 answered

	over   chan struct{} // ends the handlers that hang: net/http's server can't see that a client left before it read the request's body
	bodies atomic.Int32  // response bodies that are open
	bad    []string
}

func (w *world) breach(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = append(w.bad, fmt.Sprintf(format, args...))
}

// ServeHTTP answers as the plot says.
func (w *world) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	if req.URL.Path == "/login" {
		w.grant(rw)
		return
	}
	in := arrival{At: time.Now(), Token: req.Header.Get("Authorization")}
	id := req.Header.Get("X-Call")
	req.Header.Del("Authorization")
	in.Request = fmt.Sprint(req.Method, " ", req.URL, " ", req.Header, req.ContentLength, req.TransferEncoding)
	w.mu.Lock()
	in.Reply = w.plot.Answers[min(w.all, len(w.plot.Answers)-1)]
	w.all++
	n, _ := strconv.Atoi(strings.TrimPrefix(in.Token, "Bearer token-"))
	revoked := n <= w.dead
	at := len(w.arrivals[id])
	w.arrivals[id] = append(w.arrivals[id], in)
	w.mu.Unlock()
	if revoked {
		in.Reply = reply{How: "answer", Status: 401, Delay: in.Reply.Delay}
	}
	if in.Reply.ReadBody {
		b, err := io.ReadAll(req.Body)
		in.Body, in.Complete = string(b), err == nil
	}
	select {
	case <-time.After(time.Duration(in.Reply.Delay) * time.Millisecond):
	case <-req.Context().Done():
	}
	status := in.Reply.Status
	if in.Reply.How == "reset" || in.Reply.How == "hang" {
		status = 0
	}
	w.mu.Lock()
	in.End, in.Status = time.Now(), status
	w.arrivals[id][at] = in
	if status == 401 {
		w.refused[in.Token] = true
	}
	w.mu.Unlock()
	w.reply(rw, req, in.Reply)
}

func (w *world) reply(rw http.ResponseWriter, req *http.Request, r reply) {
	if r.RetryAfter != "" {
		rw.Header().Set("Retry-After", r.RetryAfter)
	}
	rw.Header().Set("Content-Type", "application/json")
	switch r.How {
	case "reset":
		panic(http.ErrAbortHandler)
	case "hang":
		w.hang(req)
	case "html":
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(r.Status)
		_, _ = io.WriteString(rw, "<h1>sorry")
	case "half", "stall":
		if r.Status != 204 {
			rw.Header().Set("Content-Length", "100")
		}
		rw.WriteHeader(r.Status)
		_, _ = io.WriteString(rw, `{"half":`)
		_ = http.NewResponseController(rw).Flush()
		if r.How == "stall" {
			w.hang(req)
		}
		panic(http.ErrAbortHandler)
	default:
		rw.WriteHeader(r.Status)
		_, _ = io.WriteString(rw, `{"title":"ok"}`)
	}
}

func (w *world) hang(req *http.Request) {
	select {
	case <-w.over:
	case <-req.Context().Done():
	}
}

func (w *world) grant(rw http.ResponseWriter) {
	w.mu.Lock()
	w.grants++
	fails := w.grants <= len(w.plot.TokenFails) && w.plot.TokenFails[w.grants-1]
	w.mu.Unlock()
	time.Sleep(time.Duration(w.plot.TokenDelay) * time.Millisecond)
	if fails {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.mu.Lock()
	w.given++
	token := w.given
	w.mu.Unlock()
	rw.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(rw, `{"access_token":"token-%d"}`, token)
}

const worldFile = `version = 1
[credentials.c]
type = "login"
origins = ["http://localhost"]
login = { path = "/login", send = { user = "ada", password = { env = "PASSWORD" } } }
[stages.retry]
max_attempts = %d
[stages.log]
request_body = true
response_body = true
send_level = "info"
[pipelines.p]
base_url = "http://localhost/v1"
credential = "c"
timeout = "20s"
attempt_timeout = "3s"
body_idle_timeout = "2s"
max_replay_buffer = "1KiB"
stages = ["%s"]
`

// open starts the upstream and a pipeline to it, whose transport counts open bodies.
func (w *world) open() (p *pipeline.Pipeline, end func()) {
	server := memnet.Serve(w)
	base := &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return server.Dial(ctx) },
		MaxIdleConnsPerHost: 100,
	}
	counting := roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := base.RoundTrip(req)
		if err == nil && resp.Body != http.NoBody {
			w.bodies.Add(1)
			resp.Body = &counted{ReadCloser: resp.Body, n: &w.bodies}
		}
		return resp, err
	})
	src := fmt.Sprintf(worldFile, w.plot.MaxAttempts, strings.Join(w.plot.Order, `", "`))
	r, err := pipeline.OpenBytes(context.Background(), "world.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithStages(stages.All()...),
		pipeline.WithTransport("default", counting), pipeline.WithSecrets(map[string]string{"PASSWORD": "p4ssw0rd"}),
		pipeline.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	if err != nil {
		w.t.Fatal(err)
	}
	p, err = r.Pipeline("p")
	if err != nil {
		w.t.Fatal(err)
	}
	return p, func() {
		if err := r.Close(); err != nil {
			w.breach("close: %v", err)
		}
		base.CloseIdleConnections()
		close(w.over)
		_ = server.Stop()
	}
}

type counted struct {
	io.ReadCloser
	n    *atomic.Int32
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.n.Add(-1) })
	return c.ReadCloser.Close()
}
