package host

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// batchOf makes a batch of one frame that is marshalled already.
func batchOf(frame []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), frame)
}

// marshalled returns a frame's bytes.
func marshalled(f *wire.Frame) []byte {
	b := make([]byte, f.SizeVT())
	if _, err := f.MarshalToSizedBufferVT(b); err != nil {
		panic(err)
	}
	return b
}

// hostile answers each Do of a session by the next part of a script: parts of the form length, bytes. A part is a frame to which the number of an
// exchange under way is added, or, of odd length, a whole batch.
type hostile struct {
	mu     sync.Mutex
	script []byte
	needs  *wire.Needs
	done   func() // there is no more of it
}

func (h *hostile) answer(data []byte) (out [][]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var b wire.Batch
	if err := b.UnmarshalVT(data); err != nil {
		panic(err)
	}
	for _, f := range b.GetFrames() {
		switch f.GetKind().(type) {
		case *wire.Frame_Open:
			out = append(out, batchOf(marshalled(&wire.Frame{Exchange: f.GetExchange(), Kind: &wire.Frame_Opened{Opened: &wire.Opened{Needs: h.needs}}})))
		case *wire.Frame_Close:
			out = append(out, batchOf(marshalled(&wire.Frame{Exchange: f.GetExchange(), Kind: &wire.Frame_Closed{Closed: &wire.Closed{}}})))
		case *wire.Frame_Cancel, *wire.Frame_Ended:
		default:
			for range 3 {
				out = h.part(out, f.GetExchange())
			}
		}
	}
	return out
}

func (h *hostile) part(out [][]byte, number uint64) [][]byte {
	if len(h.script) == 0 {
		h.done()
		return out
	}
	n := int(h.script[0])
	part := h.script[1:min(1+n, len(h.script))]
	h.script = h.script[1+len(part):]
	if n%2 == 1 {
		return append(out, part)
	}
	frame := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), number)
	return append(out, batchOf(append(frame, part...)))
}

// FuzzFrames has a plugin answer exchanges that are under way by whatever bytes: nothing panics, nothing hangs, every exchange ends, with one of
// a response and an error.
func FuzzFrames(f *testing.F) {
	part := func(fr *wire.Frame) []byte {
		b := marshalled(fr)
		if len(b)%2 == 1 { // an unknown field fills it up
			b = append(b, 0xf8, 0x01, 0x01)
		}
		return append([]byte{byte(len(b))}, b...)
	}
	status := uint32(204)
	for _, frames := range [][]*wire.Frame{
		{{Kind: &wire.Frame_Next{Next: &wire.Next{Edits: set("x-sig", "1"), Last: true}}}},
		{{Kind: &wire.Frame_Next{Next: &wire.Next{}}}, {Kind: &wire.Frame_Return{Return: &wire.Return{Edits: &wire.Edits{Status: &status, Body: &wire.Body{Data: []byte("x")}}}}}},
		{{Kind: &wire.Frame_Next{Next: &wire.Next{}}}, {Kind: &wire.Frame_Read{Read: &wire.Read{}}}, {Kind: &wire.Frame_Drop{Drop: &wire.Drop{}}}, {Kind: &wire.Frame_Return{Return: &wire.Return{}}}},
		{{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: 1}}}, {Kind: &wire.Frame_Return{Return: &wire.Return{Error: &wire.Error{Kind: "client", OfResult: true}}}}},
		{{Kind: &wire.Frame_Return{Return: &wire.Return{Response: &wire.Response{Status: 200, Body: &wire.Body{Apart: true, Length: 3}}}}}},
		{{Kind: &wire.Frame_Next{Next: &wire.Next{Edits: &wire.Edits{Body: &wire.Body{Apart: true, Length: 3}}}}}, {Kind: &wire.Frame_Next{Next: &wire.Next{}}}},
		{{Kind: &wire.Frame_Log{Log: &wire.Log{Message: "m", Attributes: []*wire.Attribute{text("k", "v")}}}}, {Kind: &wire.Frame_Draining{Draining: &wire.Draining{}}}},
		{{Kind: &wire.Frame_Next{Next: &wire.Next{Last: true, Changes: &wire.Changes{Attempts: 1, Events: []*wire.Event{{Name: "e"}}, Attach: &wire.Attach{Credential: "c"}}}}}},
	} {
		var seed []byte
		for _, fr := range frames {
			seed = append(seed, part(fr)...)
		}
		f.Add(seed, byte(0))
		f.Add(seed, byte(0xff))
	}
	f.Fuzz(func(t *testing.T, script []byte, mode byte) {
		needs := hostileNeeds(mode)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		h := &hostile{script: script, needs: wire.NeedsTo(needs), done: cancel}
		logger := slog.New(slog.DiscardHandler)
		s, err := newSession(&memoryConn{answer: h.answer, apart: []byte{0x12, 3, 'a', 'b', 'c'}}, sessionOptions{
			plugin: "signer", maxInFlight: 4, spawn: func(f func()) { go f() }, logger: logger, redactor: redact.New(redact.Rules{}),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		remote := &pipeline.RemoteConfig{Timeout: time.Second, OnFailure: pipeline.OnFailure{Skip: mode&1 != 0}}
		made, err := newStage(stageOptions{
			plugin: fixed{s}, name: "signer", typ: "hmac", start: time.Second, settings: pipeline.Settings{Pipeline: "p", Stage: "s", Remote: remote, Logger: logger},
		})
		if err != nil {
			t.Fatal(err)
		}
		st := made.(*stage)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://upstream.test/", strings.NewReader("body"))
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := st.Do(req, roundTripper(answering))
				if (resp == nil) == (err == nil) {
					t.Errorf("got %v and %v", resp, err)
				}
				if resp != nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		}
		wg.Wait()
		st.CallEnded(ctx, nil, &http.Request{Header: http.Header{}})
		_ = st.Close()
	})
}

// hostileNeeds are more or less, by the bits of mode.
func hostileNeeds(mode byte) pipeline.Needs {
	n := signs()
	n.Calls = true
	n.Retry, n.Answer = mode&2 != 0, mode&4 != 0
	if mode&8 != 0 {
		n.Request.Body, n.Request.Query, n.Request.Edit = pipeline.BodyFull, true, []string{"*", ":url", ":method", ":body"}
	}
	if mode&16 != 0 {
		n.Response = &pipeline.ResponseNeeds{Headers: []string{"*"}, Body: pipeline.BodyFull, Edit: []string{"*", ":status", ":body"}}
	}
	if mode&32 != 0 {
		n.Request, n.Answer, n.Retry, n.Response = pipeline.RequestNeeds{}, false, false, &pipeline.ResponseNeeds{Body: pipeline.BodyDigest}
	}
	return n
}

// fixed has one session, whatever becomes of it.
type fixed struct{ s *session }

func (f fixed) acquire(context.Context) (*session, error) { return f.s, nil }
func (fixed) leave() error                                { return nil }
