package host

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

func TestGrants_decide_what_travels(t *testing.T) {
	secret := func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer s3cret")
		r.Header.Set("X-Api-Key", "s3cret")
		r.Header.Set("Accept", "a")
		r.Header["X-Two"] = []string{"1", "2"}
	}
	for _, tc := range []struct {
		name    string
		needs   pipeline.RequestNeeds
		granted *pipeline.Needs
		want    string
	}{
		{"nothing", pipeline.RequestNeeds{}, nil, "https://upstream.test/a"},
		{"all_but_secrets", pipeline.RequestNeeds{Headers: []string{"*"}}, nil, "https://upstream.test/a accept x-two"},
		{"named", pipeline.RequestNeeds{Headers: []string{"authorization", "x-two"}}, nil, "https://upstream.test/a authorization x-two"},
		{"query", pipeline.RequestNeeds{Query: true}, nil, "https://upstream.test/a?q=1"},
		{"less_than_asked", pipeline.RequestNeeds{Headers: []string{"*", "authorization"}, Query: true, Call: []string{"subject"}},
			&pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"accept"}}}, "https://upstream.test/a accept"},
		{"call", pipeline.RequestNeeds{Call: []string{"subject", "operation", "labels", "idempotency_key"}}, nil, "https://upstream.test/a subject=joe op=buy label=x key=k"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got string
			needs := pipeline.Needs{Request: tc.needs, Answer: true}
			sc := newScene(t, needs, answering, func(x *said) {
				r, c := x.do.GetRequest(), x.do.GetCall()
				got = r.GetUrl()
				for _, name := range []string{"authorization", "x-api-key", "accept", "x-two"} {
					if v := x.header(name); v != "" {
						got += " " + name
					}
				}
				if c.GetSubject() != "" {
					got += " subject=" + c.GetSubject()
				}
				if c.GetOperation() != "" {
					got += " op=" + c.GetOperation() + " label=" + c.GetLabels()["l"] + " key=" + c.GetIdempotencyKey()
				}
				if strings.Contains(x.do.String(), "pass") {
					t.Errorf("userinfo travelled: %v", x.do)
				}
				x.last(nil)
			}, func(o *sceneOptions) { o.granted = tc.granted })
			req := sc.request(http.MethodGet, "https://user:pass@upstream.test/a?q=1#f", nil)
			secret(req)
			opts := []pipeline.CallOption{pipeline.Subject("joe"), pipeline.Operation("buy"), pipeline.Label("l", "x"), pipeline.IdempotencyKey("k")}
			if _, _, err := sc.get(req.WithContext(pipeline.With(req.Context(), opts...))); err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestEdits_of_all_headers: "*" is enough to add a signature, at each attempt, and not to replace a credential that the stage doesn't see.
func TestEdits_of_all_headers(t *testing.T) {
	for _, tc := range []struct {
		name, header, has string
		sees              []string
		ok                bool
	}{
		{"plain", "x-tenant", "", nil, true},
		{"plain_that_is_there", "x-tenant", "X-Tenant", nil, true},
		{"a_signature", "x-signature", "", nil, true},
		{"one_that_is_there", "x-signature", "X-Signature", nil, false},
		{"one_that_is_seen", "x-signature", "X-Signature", []string{"x-signature"}, true},
		{"key", "x-api-key", "", nil, true},
		{"authorization", "authorization", "", nil, false},
		{"cookie", "cookie", "", []string{"cookie"}, false},
	} {
		for _, times := range []int{1, 2} {
			needs := retries()
			needs.Request.Headers, needs.Request.Edit = append([]string{"*"}, tc.sees...), []string{"*"}
			var sent []string
			upstream := func(req *http.Request) (*http.Response, error) {
				sent = append(sent, req.Header.Get(tc.header))
				return answering(req)
			}
			sc := newScene(t, needs, upstream, func(x *said) {
				for range times {
					x.next(&wire.Next{Edits: set(tc.header, "mine")})
				}
				x.ret(&wire.Return{})
			})
			req := sc.simple()
			if tc.has != "" {
				req.Header.Set(tc.has, "theirs")
			}
			_, _, err := sc.get(req)
			switch {
			case tc.ok && (err != nil || len(sent) != times || sent[times-1] != "mine"):
				t.Errorf("%s, %d times: sent %q, %v", tc.name, times, sent, err)
			case !tc.ok && (err == nil || len(sent) > 0 || !strings.Contains(err.Error(), `request.edit "`+tc.header+`"`)):
				t.Errorf("%s, %d times: sent %q, %v", tc.name, times, sent, err)
			}
		}
	}
}

func TestEdits_outside_the_grants_end_the_exchange(t *testing.T) {
	str := func(s string) *string { return &s }
	status := uint32(204)
	header := func(name, value string) *wire.Next { return &wire.Next{Edits: set(name, value), Last: true} }
	send := func(n *wire.Next) func(*said) {
		return func(x *said) { x.send(&wire.Frame{Kind: &wire.Frame_Next{Next: n}}) }
	}
	for _, tc := range []struct {
		name string
		do   func(*said)
		want string
	}{
		{"header", send(header("x-foo", "1")), `changed header x-foo, which its grants do not allow (request.edit "x-foo")`},
		{"removal", send(&wire.Next{Last: true, Edits: &wire.Edits{Headers: []*wire.HeaderEdit{{Name: "accept"}}}}), "changed header accept, which"},
		{"framing", send(header("content-length", "1")), "changed header content-length, which belongs to the connection"},
		{"hop_by_hop", send(header("Transfer-Encoding", "chunked")), "changed header transfer-encoding, which belongs"},
		{"value", send(header("x-sig", "a\r\nX-Other: b")), "sent a value of header x-sig that is none"},
		{"name", send(header("x sig", "a")), "sent a header whose name is none"},
		{"method", send(&wire.Next{Last: true, Edits: &wire.Edits{Method: str("PUT")}}), `changed the method, which its grants do not allow (request.edit ":method")`},
		{"url", send(&wire.Next{Last: true, Edits: &wire.Edits{Url: str("https://evil.test/")}}), "changed the URL, which"},
		{"host", send(&wire.Next{Last: true, Edits: &wire.Edits{Host: str("evil.test")}}), `changed the host, which its grants do not allow (request.edit ":url")`},
		{"body", send(&wire.Next{Last: true, Edits: &wire.Edits{Body: &wire.Body{Data: []byte("x")}}}), "changed the body, which"},
		{"status", send(&wire.Next{Last: true, Edits: &wire.Edits{Status: &status}}), "changed the status of a request"},
		{"response", send(&wire.Next{}), "waits for the response, which"},
		{"answer", func(x *said) { x.ret(&wire.Return{Response: &wire.Response{Status: 200}}) }, "answered by itself, which"},
		{"nothing", func(x *said) { x.ret(&wire.Return{}) }, "returned neither a response nor an error"},
		{"both", func(x *said) { x.ret(&wire.Return{Response: &wire.Response{}, Error: &wire.Error{Kind: "client"}}) }, "returned a response and an error"},
		{"kind", func(x *said) { x.ret(&wire.Return{Error: &wire.Error{Kind: "banana"}}) }, "of a kind or a class that there is not"},
		{"class", func(x *said) { x.ret(&wire.Return{Error: &wire.Error{Kind: "client", Class: "first"}}) }, "of a kind or a class that there is not"},
		{"read", func(x *said) { x.read() }, "read the response's body, which"},
		{"credential", send(&wire.Next{Last: true, Changes: &wire.Changes{Attach: &wire.Attach{Credential: "github"}}}), `attached credential "github", which`},
		{"skip_credential", send(&wire.Next{Last: true, Changes: &wire.Changes{SkipCredential: "exempt"}}), "had no credential attached, which"},
		{"rejected", send(&wire.Next{Last: true, Changes: &wire.Changes{Rejected: "github"}}), `rejected credential "github", which`},
		{"attempts", send(&wire.Next{Last: true, Changes: &wire.Changes{Attempts: 1 << 30}}), "more attempts or events than there can be"},
		{"judged", send(&wire.Next{Last: true, Changes: &wire.Changes{Judged: &wire.Outcome{Kind: "banana"}}}), "judged with a kind or a class"},
		{"wait", func(x *said) { x.ask(&wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: -1}}}) }, "asked to wait"},
		{"own_frame", func(x *said) { x.send(&wire.Frame{Kind: &wire.Frame_Do{Do: &wire.Do{}}}) }, "sent a frame that is none of an exchange"},
		{"of_no_result", func(x *said) { x.ret(&wire.Return{Error: &wire.Error{Kind: "client", OfResult: true}}) }, "the error of a result that was none"},
		{"of_no_body", func(x *said) { x.ret(&wire.Return{Error: &wire.Error{Kind: "client", OfBody: true}}) }, "the error of a body that did not break off"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var sends atomic.Int32
			upstream := func(req *http.Request) (*http.Response, error) {
				sends.Add(1)
				return answering(req)
			}
			sc := newScene(t, signs(), upstream, tc.do)
			_, _, err := sc.get(sc.simple())
			e := sc.failure(err)
			if e.Kind != pipeline.KindPlugin || e.Reason != classInvalid || e.Class != pipeline.ClassTerminal || !strings.HasPrefix(e.Message, "plugin signer ") || !strings.Contains(e.Message, tc.want) {
				t.Errorf("got %v (%s), want %q", e, e.Class, tc.want)
			}
			if e.Stage != "sign" || sends.Load() != 0 {
				t.Errorf("got stage %q, %d sends", e.Stage, sends.Load())
			}
		})
	}
}

func TestEdits_of_a_request(t *testing.T) {
	needs := pipeline.Needs{Request: pipeline.RequestNeeds{Query: true, Edit: []string{":method", ":url", ":body", "x-sig", "*"}}}
	str := func(s string) *string { return &s }
	for _, tc := range []struct {
		name  string
		edits *wire.Edits
		want  string
		fails string
	}{
		{"url", &wire.Edits{Url: str("https://other.test/b?c=d")}, "POST https://other.test/b?c=d sig= body=given", ""},
		{"method", &wire.Edits{Method: str("PATCH")}, "PATCH https://upstream.test/a?q=1 sig= body=given", ""},
		{"body", &wire.Edits{Body: &wire.Body{Data: []byte("made")}}, "POST https://upstream.test/a?q=1 sig= body=made", ""},
		{"no_body", &wire.Edits{Body: &wire.Body{}}, "POST https://upstream.test/a?q=1 sig= body=", ""},
		{"any_header", set("x-sig", "1"), "POST https://upstream.test/a?q=1 sig=1 body=given", ""},
		{"secret_header", set("authorization", "1"), "", "changed header authorization, which its grants do not allow"},
		{"userinfo", &wire.Edits{Url: str("https://me:pw@other.test/")}, "", "with a user's name or password"},
		{"relative", &wire.Edits{Url: str("/b")}, "", "is not absolute"},
		{"scheme", &wire.Edits{Url: str("file://x/etc/passwd")}, "", "neither http nor https"},
		{"no_method", &wire.Edits{Method: str("GE T")}, "", "a method that is none"},
		{"length", &wire.Edits{Body: &wire.Body{Data: make([]byte, wire.MaxInline+1)}}, "", "within a frame"},
		{"limit", &wire.Edits{Body: &wire.Body{Apart: true, Length: 2 << 20}}, "", "more than the 1048576 of body_limit"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sc := newScene(t, needs, answering, func(x *said) { x.last(tc.edits) })
			_, body, err := sc.get(sc.request(http.MethodPost, "https://upstream.test/a?q=1", strings.NewReader("given")))
			if tc.fails != "" {
				if e := sc.failure(err); e.Reason != classInvalid || !strings.Contains(e.Message, tc.fails) {
					t.Errorf("got %v, want %q", err, tc.fails)
				}
				return
			}
			if err != nil || body != tc.want {
				t.Errorf("got %q %v, want %q", body, err, tc.want)
			}
		})
	}
}

func TestEdits_of_a_response(t *testing.T) {
	needs := pipeline.Needs{Response: &pipeline.ResponseNeeds{Edit: []string{"x-a"}}}
	all := pipeline.Needs{Response: &pipeline.ResponseNeeds{Edit: []string{"*", ":status", ":body"}}}
	status, odd := uint32(418), uint32(99)
	for _, tc := range []struct {
		name  string
		needs pipeline.Needs
		edits *wire.Edits
		fails string
	}{
		{"header", needs, set("x-b", "1"), "changed header x-b, which"},
		{"status", needs, &wire.Edits{Status: &status}, `changed the status, which its grants do not allow (response.edit ":status")`},
		{"body", needs, &wire.Edits{Body: &wire.Body{}}, "changed the response's body, which"},
		{"odd_status", all, &wire.Edits{Status: &odd}, "sent status 99"},
		{"framing", all, set("connection", "close"), "belongs to the connection"},
		{"length", all, set("content-length", "7"), "changed header content-length, which follows the body"},
		{"everything", all, &wire.Edits{Status: &status, Headers: set("content-length", "3").Headers, Body: &wire.Body{Data: []byte("own")}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sc := newScene(t, tc.needs, answering, func(x *said) { x.ret(&wire.Return{Edits: tc.edits}) })
			resp, body, err := sc.get(sc.simple())
			if tc.fails == "" {
				if err != nil || body != "own" || resp.StatusCode != 418 || resp.ContentLength != 3 || resp.Header.Get("Content-Length") != "3" {
					t.Errorf("got %v %q %v", resp, body, err)
				}
				return
			}
			e := sc.failure(err)
			if e.Reason != classInvalid || e.Class != pipeline.ClassTerminal || !strings.Contains(e.Message, tc.fails) {
				t.Errorf("got %v %s, want %q", e, e.Class, tc.fails)
			}
			if e.Status != 200 || !strings.HasPrefix(string(e.Body), "GET ") || e.Header.Get("X-Up") != "yes" {
				t.Errorf("the response is not attached: %d %q %v", e.Status, e.Body, e.Header)
			}
		})
	}
}

func TestEdits_skipped_leave_all_as_it_was(t *testing.T) {
	bad := &wire.Next{Last: true, Edits: &wire.Edits{Headers: append(set("x-sig", "1").Headers, set("x-other", "2").Headers...)}}
	sc := newScene(t, signs(), answering, func(x *said) { x.send(&wire.Frame{Kind: &wire.Frame_Next{Next: bad}}) }, withTable(`on_failure = "skip"`))
	_, body, err := sc.get(sc.request(http.MethodPost, "https://upstream.test/", io.NopCloser(strings.NewReader("b"))))
	if want := "POST https://upstream.test/ sig= body=b"; err != nil || body != want {
		t.Errorf("got %q %v, want %q", body, err, want)
	}
}
