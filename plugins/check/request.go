package check

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// Request is one that stages are tried with.
type Request struct {
	Method string
	Path   string // with the query: "/things?x=1"
	Header http.Header
	Body   []byte

	chunked bool // its length is not announced
	late    bool // an upload comes after its frame
}

const origin = "https://api.example.com"

// headers are those that travel to who names them; credentials are among those of the request.
func (r Request) headers(names []string) []*wire.Header {
	return wire.HeadersTo(nil, r.all(names), shown(names))
}

// hidden returns the others of the request.
func (r Request) hidden(names []string) (rest []string) {
	travels := shown(names)
	for name := range r.all(names) {
		if !travels(name) {
			rest = append(rest, name)
		}
	}
	return rest
}

// shown reports whether a header travels to who names those.
func shown(names []string) func(string) bool {
	set := pipeline.NewNameSet(names)
	return func(name string) bool { return set.Named(name) || set.All() && !hides(name) }
}

// all are the request's.
func (r Request) all(names []string) http.Header {
	h := http.Header{
		"Accept": {"application/json"}, "User-Agent": {"leat-check"}, "X-Check-Many": {"one", "two"}, "X-Check-Bytes": {"gr\xfc\xdfe"},
		"Authorization": {"Bearer check"}, "Cookie": {"check=1"}, "X-Api-Key": {"check"},
	}
	if r.Body != nil {
		h.Set("Content-Type", "application/json")
	}
	maps.Copy(h, r.Header)
	for _, name := range names {
		if canonical := http.CanonicalHeaderKey(name); name != "*" && h[canonical] == nil && r.Header == nil {
			h[canonical] = []string{"check"}
		}
	}
	return h
}

// words writes the call as it is granted.
func words(in *instance) *wire.Call {
	return wire.CallTo(&pipeline.CallState{
		Pipeline: "check", Subject: cmp.Or(in.stage.Subject, "ada"), Operation: "check", Labels: map[string]string{"team": "checks"}, IdempotencyKey: "check-1", Observed: true,
	}, in.needs.Request.Call)
}

// do writes Do for an instance; body is what travels apart.
func (r Request) do(in *instance) (do *wire.Do, body []byte) {
	n := in.needs
	out := &wire.Request{Method: r.Method, Url: origin + r.Path, Replayable: true}
	if !n.Request.Query {
		out.Url, _, _ = strings.Cut(out.Url, "?")
	}
	out.Length = int64(len(r.Body))
	if r.chunked {
		out.Length = -1
	}
	switch n.Request.Body {
	case pipeline.BodyDigest:
		sum := sha256.Sum256(r.Body)
		out.Sha256, out.Length = sum[:], int64(len(r.Body))
	case pipeline.BodyFull:
		out.Length = int64(len(r.Body))
		out.Body = &wire.Body{Length: uint64(len(r.Body)), Data: r.Body}
		if len(r.Body) > wire.MaxInline {
			out.Body.Data, out.Body.Apart, body = nil, true, r.Body
		}
	}
	do = &wire.Do{
		Instance: in.number, Request: out, Call: words(in), LogLevel: -4, Timeout: int64(5 * time.Second), Deadline: int64(time.Minute),
		Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Recording: true,
	}
	if in.after() {
		do.Result = well().to(in)
		return do, nil
	}
	out.Headers = r.headers(n.Request.Headers)
	return do, body
}

// reply is what came of a Next.
type reply struct {
	what   string // in words
	status uint32
	header http.Header
	body   []byte
	more   bool // there is more of it than the limit let through
	stream bool
	breaks bool // the body broke off
	err    *wire.Error
	ended  string
}

func well() reply {
	return reply{what: "200", status: 200, header: http.Header{"Content-Type": {"application/json"}, "X-Check-Many": {"one", "two"}}, body: []byte(`{"id":17}`)}
}

func failing(status uint32, pairs ...string) reply {
	r := reply{what: http.StatusText(int(status)), status: status, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(`{"error":"check"}`)}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.header.Set(pairs[i], pairs[i+1])
	}
	return r
}

// unreached is the error of an upstream that can't be reached.
func unreached() reply {
	return reply{what: "a connection that is refused", err: &wire.Error{Kind: string(pipeline.KindNetwork), Class: string(pipeline.ClassNotSent), Message: "connection refused"}}
}

// left is the error of a caller who has left.
func left() reply {
	return reply{what: "a caller who has left", ended: "canceled", err: &wire.Error{Kind: string(pipeline.KindCanceled), Class: string(pipeline.ClassTerminal), Message: "the caller has left"}}
}

// to writes the Result for an instance.
func (r reply) to(in *instance) *wire.Result {
	out := &wire.Result{Call: words(in), Replayable: true, Ended: r.ended}
	out.Call.Attempts, out.Call.Sends = 1, 1
	if r.err != nil {
		out.Error = r.err
		return out
	}
	out.Response = &wire.Response{Status: r.status, Length: int64(len(r.body)), Proto: "HTTP/1.1", Stream: r.stream}
	if r.more || r.stream || r.breaks {
		out.Response.Length = -1
	}
	if need := in.needs.Response; need != nil {
		set := pipeline.NewNameSet(need.Headers)
		out.Response.Headers = wire.HeadersTo(nil, r.header, func(name string) bool { return set.Named(name) || set.All() && name != "Set-Cookie" })
	}
	return out
}

// content writes the Body that answers Read; data is what travels apart.
func (r reply) content(in *instance) (b *wire.Body, data []byte) {
	if in.needs.Response.Body == pipeline.BodyDigest {
		sum := sha256.Sum256(r.body)
		return &wire.Body{Length: uint64(len(r.body)), Sha256: sum[:]}, nil
	}
	b = &wire.Body{Data: r.body, Length: uint64(len(r.body)), More: r.more}
	if limit := in.needs.Response.Limit(); int64(len(r.body)) > limit {
		b.Data, b.Length, b.More = r.body[:limit], uint64(limit), true //nolint:gosec // positive
	}
	if r.breaks {
		b.Error = &wire.Error{Kind: string(pipeline.KindNetwork), Class: string(pipeline.ClassUnknown), Message: "unexpected EOF"}
	}
	if len(b.Data) > wire.MaxInline {
		data, b.Data, b.Apart = b.Data, nil, true
	}
	return b, data
}

// filled is a JSON text of that many bytes.
func filled(n int) []byte {
	return append(append([]byte{'"'}, bytes.Repeat([]byte("x"), n-2)...), '"')
}
