package host

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// quickSigner answers each Do by a last Next that sets two headers, without an allocation of its own.
type quickSigner struct {
	frame []byte // but for its number
	open  *wire.Opened
	batch []byte
	out   [1][]byte
}

func (q *quickSigner) answer(data []byte) [][]byte {
	_, _, n := protowire.ConsumeTag(data)
	frame, _ := protowire.ConsumeBytes(data[n:])
	number, n := protowire.ConsumeVarint(frame[1:])
	frame = frame[1+n:]
	answer := q.frame
	if kind, _, _ := protowire.ConsumeTag(frame); kind == 2 {
		answer = marshalled(&wire.Frame{Kind: &wire.Frame_Opened{Opened: q.open}})
	}
	size := 1 + protowire.SizeVarint(number) + len(answer)
	q.batch = protowire.AppendVarint(append(q.batch[:0], 0x0a), uint64(size))
	q.batch = append(protowire.AppendVarint(append(q.batch, 8), number), answer...)
	q.out[0] = q.batch
	return q.out[:]
}

// quickStage is a stage over a connection in memory, and a request with ten headers for it.
func quickStage(t testing.TB) (st *stage, req func() *http.Request) {
	t.Helper()
	needs := pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"*"}, Edit: []string{"date", "x-sig"}}}
	edits := &wire.Edits{Headers: append(set("x-sig", "0123456789abcdef0123456789abcdef").Headers, set("date", "Mon, 23 Nov 2026 00:00:00 GMT").Headers...)}
	q := &quickSigner{open: &wire.Opened{Needs: wire.NeedsTo(needs)}, frame: marshalled(&wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{Last: true, Edits: edits}}})}
	s, err := newSession(&memoryConn{answer: q.answer}, sessionOptions{
		plugin: "signer", maxInFlight: 64, spawn: func(f func()) { go f() }, logger: slog.New(slog.DiscardHandler), redactor: redact.New(redact.Rules{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	remote := &pipeline.RemoteConfig{Timeout: 5e9}
	made, err := newStage(stageOptions{
		plugin: fixed{s}, name: "signer", typ: "hmac", start: 5e9,
		settings: pipeline.Settings{Pipeline: "p", Stage: "s", Remote: remote, Logger: slog.New(slog.DiscardHandler), Redactor: redact.New(redact.Rules{})},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	one, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/v1/things/17?page=2", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Accept", "Accept-Language", "Content-Type", "User-Agent", "X-Request-Id", "X-Tenant", "X-Trace", "If-None-Match", "Cache-Control", "X-Client"} {
		one.Header.Set(name, "value-of-"+name)
	}
	return made.(*stage), func() *http.Request { return one }
}

// nothing is an upstream that costs nothing.
func nothing() roundTripper {
	resp := &http.Response{StatusCode: 200, Body: http.NoBody}
	return func(*http.Request) (*http.Response, error) { return resp, nil }
}

func TestExchange_allocates_little(t *testing.T) {
	st, req := quickStage(t)
	next := nothing()
	got := testing.AllocsPerRun(2000, func() {
		if _, err := st.Do(req(), next); err != nil {
			t.Fatal(err)
		}
	})
	if got > 20 {
		t.Errorf("got %v allocations an exchange, want at most 20", got)
	}
	t.Logf("%v allocations", got)
}

func BenchmarkExchange(b *testing.B) {
	st, req := quickStage(b)
	next := nothing()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Do(req(), next); err != nil {
			b.Fatal(err)
		}
	}
}
