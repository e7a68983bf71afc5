package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// once is a body that can't be had again.
func once(text string) io.Reader { return struct{ io.Reader }{strings.NewReader(text)} }

// given returns what the plugin gets of a request's body.
func given(x *said) []byte {
	b := x.do.GetRequest().GetBody()
	if b.GetApart() {
		return <-x.p.uploaded(x.number)
	}
	return b.GetData()
}

func TestBody_of_a_request(t *testing.T) {
	const limit = 1 << 20
	for _, mode := range []pipeline.BodyMode{pipeline.BodyNone, pipeline.BodyDigest, pipeline.BodyFull} {
		for _, size := range []int{0, 5, wire.MaxInline, wire.MaxInline + 1, limit, limit + 1, 16 << 20} {
			for _, again := range []bool{true, false} {
				text := strings.Repeat("x", size)
				sum := sha256.Sum256([]byte(text))
				tooLong := size > limit && (mode == pipeline.BodyFull || mode == pipeline.BodyDigest && !again)
				needs := signs()
				needs.Request.Body = mode
				sc := newScene(t, needs, func(req *http.Request) (*http.Response, error) {
					if req.Body != nil {
						got, err := io.ReadAll(req.Body)
						if err != nil || string(got) != text {
							t.Errorf("%s, %d bytes: sent %d bytes, %v", mode, size, len(got), err)
						}
					}
					if req.GetBody != nil {
						rc, _ := req.GetBody()
						if got, _ := io.ReadAll(rc); string(got) != text {
							t.Errorf("%s, %d bytes: again, sent %d bytes", mode, size, len(got))
						}
					}
					return answering(req)
				}, func(x *said) {
					r := x.do.GetRequest()
					switch mode {
					case pipeline.BodyNone:
						if r.GetBody() != nil || len(r.GetSha256()) > 0 {
							t.Errorf("got %v", r)
						}
					case pipeline.BodyDigest:
						if !bytes.Equal(r.GetSha256(), sum[:]) || r.GetLength() != int64(size) || r.GetBody() != nil {
							t.Errorf("got %d bytes with %x", r.GetLength(), r.GetSha256())
						}
					case pipeline.BodyFull:
						if got := given(x); string(got) != text || r.GetLength() != int64(size) {
							t.Errorf("got %d bytes of %d", len(got), size)
						}
					}
					x.last(nil)
				})
				var body io.Reader = strings.NewReader(text)
				if !again {
					body = once(text)
				}
				_, _, err := sc.get(sc.request(http.MethodPost, "https://upstream.test/", body))
				if !tooLong {
					if err != nil {
						t.Errorf("%s, %d bytes, again %v: %v", mode, size, again, err)
					}
					continue
				}
				if e := sc.failure(err); e.Kind != pipeline.KindPolicy || !strings.Contains(e.Message, "1MiB") || !strings.Contains(e.Message, "request.body_limit") {
					t.Errorf("%s, %d bytes, again %v: got %v", mode, size, again, err)
				}
			}
		}
	}
}

func TestBody_of_a_request_that_can_not_be_read(t *testing.T) {
	broken := errors.New("the disk is gone")
	needs := signs()
	needs.Request.Body = pipeline.BodyFull
	sc := newScene(t, needs, answering, nil, withTable(`on_failure = "skip"`))
	body := struct{ io.Reader }{io.MultiReader(strings.NewReader("a"), failing{broken})}
	_, _, err := sc.get(sc.request(http.MethodPost, "https://upstream.test/", body))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// TestBody_that_blocks: a caller who leaves need not wait for the body that it has given, nor for its Close.
func TestBody_that_blocks(t *testing.T) {
	for _, mode := range []pipeline.BodyMode{pipeline.BodyDigest, pipeline.BodyFull} {
		for _, again := range []bool{false, true} {
			needs := signs()
			needs.Request.Body = mode
			sc := newScene(t, needs, answering, nil, withTable(`on_failure = "skip"`))
			body := &stuckBody{reached: make(chan struct{}), release: make(chan struct{}), ended: make(chan struct{})}
			ctx, cancel := context.WithCancel(t.Context())
			req := sc.request(http.MethodPost, "https://upstream.test/", nil).WithContext(ctx)
			req.Body, req.ContentLength = body, 10
			if again {
				req.GetBody = func() (io.ReadCloser, error) { return body, nil }
			}
			go func() {
				<-body.reached
				cancel()
			}()
			_, _, err := sc.get(req)
			if e := sc.failure(err); e.Kind != pipeline.KindCanceled || !errors.Is(err, context.Canceled) {
				t.Errorf("%s, again %v: got %v", mode, again, err)
			}
			close(body.release)
			<-body.ended
		}
	}
}

// stuckBody gives its first byte when it is released, and says so.
type stuckBody struct {
	reached, release, ended chan struct{}
	first, last             sync.Once
}

func (b *stuckBody) Read([]byte) (int, error) {
	b.first.Do(func() { close(b.reached) })
	<-b.release
	b.last.Do(func() { close(b.ended) })
	return 0, io.EOF
}

func (*stuckBody) Close() error { return nil }

// TestBody_that_panics: it is the caller's goroutine that panics, where the door sees it.
func TestBody_that_panics(t *testing.T) {
	needs := signs()
	needs.Request.Body = pipeline.BodyDigest
	sc := newScene(t, needs, answering, nil)
	_, _, err := sc.get(sc.request(http.MethodPost, "https://upstream.test/", panicking{}))
	if e := sc.failure(err); e.Kind != pipeline.KindInternal || !strings.Contains(e.Message, "the cat sat on it") {
		t.Errorf("got %v", err)
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("the cat sat on it") }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestBody_of_a_response(t *testing.T) {
	for _, tc := range []struct {
		name  string
		mode  pipeline.BodyMode
		text  string
		limit pipeline.Size
		err   error // at its end
		typ   string
		check func(t *testing.T, x *said, b *wire.Body)
	}{
		{"short", pipeline.BodyFull, "abc", 10, nil, "", func(t *testing.T, _ *said, b *wire.Body) {
			if string(b.GetData()) != "abc" || b.GetMore() || b.GetLength() != 3 {
				t.Errorf("got %v", b)
			}
		}},
		{"longer_than_the_limit", pipeline.BodyFull, "abcdef", 3, nil, "", func(t *testing.T, _ *said, b *wire.Body) {
			if string(b.GetData()) != "abc" || !b.GetMore() {
				t.Errorf("got %v", b)
			}
		}},
		{"apart", pipeline.BodyFull, strings.Repeat("y", 300<<10), 1 << 20, nil, "", func(t *testing.T, x *said, b *wire.Body) {
			if got := <-x.p.uploaded(x.number); !b.GetApart() || b.GetLength() != 300<<10 || len(got) != 300<<10 {
				t.Errorf("got %d, %d bytes", b.GetLength(), len(got))
			}
		}},
		{"digest", pipeline.BodyDigest, "abc", 10, nil, "", func(t *testing.T, _ *said, b *wire.Body) {
			if sum := sha256.Sum256([]byte("abc")); !bytes.Equal(b.GetSha256(), sum[:]) || b.GetLength() != 3 || b.GetData() != nil {
				t.Errorf("got %v", b)
			}
		}},
		{"breaks_off", pipeline.BodyFull, "abc", 10, errors.New("reset"), "", func(t *testing.T, _ *said, b *wire.Body) {
			if string(b.GetData()) != "abc" || !strings.Contains(b.GetError().GetMessage(), "reset") {
				t.Errorf("got %v", b)
			}
		}},
		{"stream", pipeline.BodyFull, "data: 1\n\n", 10, nil, "text/event-stream", func(t *testing.T, _ *said, b *wire.Body) {
			if b.GetError().GetKind() != "policy" || b.GetData() != nil {
				t.Errorf("got %v", b)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			upstream := func(req *http.Request) (*http.Response, error) {
				resp, err := answering(req)
				var body io.Reader = strings.NewReader(tc.text)
				if tc.err != nil {
					body = io.MultiReader(body, failing{tc.err})
				}
				resp.Body, resp.ContentLength = io.NopCloser(body), -1
				resp.Header.Set("Content-Type", tc.typ)
				return resp, err
			}
			needs := pipeline.Needs{Response: &pipeline.ResponseNeeds{Body: tc.mode, BodyLimit: tc.limit}}
			sc := newScene(t, needs, upstream, func(x *said) {
				tc.check(t, x, x.read())
				x.ret(&wire.Return{})
			})
			_, body, err := sc.get(sc.simple())
			if body != tc.text || (err != nil) != (tc.err != nil) || tc.err != nil && !errors.Is(err, tc.err) {
				t.Errorf("got %d bytes of %d, %v: what a plugin reads stays", len(body), len(tc.text), err)
			}
		})
	}
}

func TestBody_that_is_dropped(t *testing.T) {
	drop := func(x *said) { x.send(&wire.Frame{Kind: &wire.Frame_Drop{Drop: &wire.Drop{}}}) }
	needs := pipeline.Needs{Response: &pipeline.ResponseNeeds{Body: pipeline.BodyFull}}
	for _, tc := range []struct {
		name string
		do   func(*said)
		want string
	}{
		{"unread", drop, ""}, // as where a stage in this process drops what it returns
		{"read_to_the_end", func(x *said) { x.read(); drop(x) }, "GET https://upstream.test/a?q=1 sig= body="},
		{"twice", func(x *said) { drop(x); drop(x) }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sc := newScene(t, needs, answering, func(x *said) { tc.do(x); x.ret(&wire.Return{}) })
			_, body, err := sc.get(sc.simple())
			if body != tc.want || err != nil {
				t.Errorf("got %q %v", body, err)
			}
		})
	}
}

func TestBody_that_a_plugin_makes(t *testing.T) {
	made := bytes.Repeat([]byte("z"), 200<<10)
	needs := sees()
	needs.Request.Query, needs.Request.Edit = true, []string{":body"}
	for _, tc := range []struct {
		name string
		do   func(*said)
		want string
		fail string
	}{
		{"answer", func(x *said) {
			x.p.offer(x.number, made)
			x.ret(&wire.Return{Response: &wire.Response{Status: 200, Body: &wire.Body{Apart: true, Length: uint64(len(made))}}})
		}, string(made), ""},
		{"request", func(x *said) {
			x.p.offer(x.number, made)
			x.next(&wire.Next{Edits: &wire.Edits{Body: &wire.Body{Apart: true, Length: uint64(len(made))}}})
			x.ret(&wire.Return{})
		}, "GET https://upstream.test/a?q=1 sig= body=" + string(made), ""},
		{"response", func(x *said) {
			x.next(&wire.Next{})
			x.p.offer(x.number, made)
			x.ret(&wire.Return{Edits: &wire.Edits{Body: &wire.Body{Apart: true, Length: uint64(len(made))}}})
		}, string(made), ""},
		{"longer", func(x *said) {
			x.p.offer(x.number, made)
			x.ret(&wire.Return{Response: &wire.Response{Status: 200, Body: &wire.Body{Apart: true, Length: 100 << 10}}})
		}, "", "length that was announced"},
		{"shorter", func(x *said) {
			x.ret(&wire.Return{Response: &wire.Response{Status: 200, Body: &wire.Body{Apart: true, Length: 100 << 10}}})
		}, "", "length that was announced"},
		{"huge", func(x *said) {
			x.ret(&wire.Return{Response: &wire.Response{Status: 200, Body: &wire.Body{Apart: true, Length: 1 << 62}}})
		}, "", "more than the 1048576"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sc := newScene(t, needs, answering, tc.do)
			_, body, err := sc.get(sc.simple())
			if tc.fail != "" {
				if e := sc.failure(err); e.Reason != classInvalid || !strings.Contains(e.Message, tc.fail) {
					t.Errorf("got %v, want %q", err, tc.fail)
				}
				return
			}
			if err != nil || body != tc.want {
				t.Errorf("got %d bytes, %v, want %d", len(body), err, len(tc.want))
			}
		})
	}
}
