package logging

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
)

// slow answers after a millisecond with the statuses given, the last one for ever after.
func slow(statuses ...int) roundTripper {
	n := 0
	return func(req *http.Request) (*http.Response, error) {
		<-time.After(time.Millisecond)
		status := statuses[min(n, len(statuses)-1)]
		n++
		_, _ = io.Copy(io.Discard, orNothing(req.Body))
		if status == 0 {
			return nil, errors.New("reset while Bearer hunter2hunter2 was sent")
		}
		resp := answer(status, "application/json", strings.NewReader(`{"id":1,"token":"t0k3n"}`))
		resp.Header.Set("Retry-After", "1")
		resp.Header.Set("X-Internal", "plain")
		resp.Header.Set("Set-Cookie", "sid=c00kie")
		return resp, nil
	}
}

func orNothing(r io.Reader) io.Reader {
	if r == nil {
		return strings.NewReader("")
	}
	return r
}

func TestLog_writes(t *testing.T) {
	const dev = "[stages.log]\nprofile = \"development\""
	for name, tt := range map[string]struct {
		list, keys string
		level      slog.Level
		statuses   []int
		method     string
		ref        string
		body       string
		want       []string
	}{
		"one_record_for_a_call_that_succeeds": {
			`"log"`, "", slog.LevelInfo, []int{200}, "GET", "/posts?page=2&q=x&token=t", "",
			[]string{`{"level":"INFO","msg":"call","pipeline":"p","method":"GET","url":"https://api.example.com/posts?page=2&q=***&token=***","duration_ms":1,"attempts":1,"status":200}`},
		},
		"each_send_on_debug": {
			`"log"`, "", slog.LevelDebug, []int{200}, "GET", "/posts", "",
			[]string{
				`{"level":"DEBUG","msg":"request","pipeline":"p","attempt":1,"method":"GET","url":"https://api.example.com/posts","duration_ms":1,"status":200,"request_headers":{"Accept":"text/plain"},"response_headers":{"Content-Type":"application/json","Retry-After":"1"}}`,
				`{"level":"INFO","msg":"call","pipeline":"p","method":"GET","url":"https://api.example.com/posts","duration_ms":1,"attempts":1,"status":200}`,
			},
		},
		"a_failed_send_that_the_next_one_mends": {
			`"twice", "log"`, "", slog.LevelInfo, []int{503, 200}, "GET", "/posts", "",
			[]string{
				`{"level":"WARN","msg":"request","pipeline":"p","attempt":1,"method":"GET","url":"https://api.example.com/posts","duration_ms":1,"status":503,"kind":"server","class":"unknown","response_headers":{"Content-Type":"application/json","Retry-After":"1"}}`,
				`{"level":"INFO","msg":"call","pipeline":"p","method":"GET","url":"https://api.example.com/posts","duration_ms":2,"attempts":2,"status":200}`,
			},
		},
		"why_it_was_given_up": {
			`"twice", "log"`, "", slog.LevelError, []int{503}, "GET", "/posts", "",
			[]string{`{"level":"ERROR","msg":"call","pipeline":"p","method":"GET","url":"https://api.example.com/posts","duration_ms":2,"attempts":2,"status":503,"kind":"server","class":"unknown","reason":"max_attempts"}`},
		},
		"a_client_error_once_as_a_warning": {
			`"log"`, "", slog.LevelInfo, []int{404}, "GET", "/posts", "",
			[]string{`{"level":"WARN","msg":"call","pipeline":"p","method":"GET","url":"https://api.example.com/posts","duration_ms":1,"attempts":1,"status":404,"kind":"not_found","class":"processed"}`},
		},
		"an_error_without_its_secrets": {
			`"log"`, "", slog.LevelInfo, []int{0}, "GET", "/posts", "",
			[]string{
				`{"level":"WARN","msg":"request","pipeline":"p","attempt":1,"method":"GET","url":"https://api.example.com/posts","duration_ms":1,"kind":"network","class":"unknown","error":"reset while Bearer *** was sent","stage":"send"}`,
				`{"level":"ERROR","msg":"call","pipeline":"p","method":"GET","url":"https://api.example.com/posts","duration_ms":1,"attempts":1,"kind":"network","class":"unknown","stage":"send","error":"reset while Bearer *** was sent"}`,
			},
		},
		"a_call_that_never_reached_it": {
			`"guard", "log"`, "", slog.LevelInfo, []int{200}, "GET", "/private", "",
			[]string{`{"level":"WARN","msg":"call","pipeline":"p","method":"GET","url":"https://api.example.com/private","duration_ms":0,"attempts":0,"kind":"unauthorized","class":"terminal","stage":"guard","error":"no token for Bearer ***"}`},
		},
		"more_in_development_but_no_secret": {
			`"log"`, dev, slog.LevelInfo, []int{200}, "GET", "/posts?q=x&token=t", "",
			[]string{
				`{"level":"INFO","msg":"request","pipeline":"p","attempt":1,"method":"GET","url":"https://api.example.com/posts?q=x&token=***","duration_ms":1,"status":200,"request_headers":{"Accept":"text/plain","Authorization":"***","X-Mine":"m"},"response_headers":{"Content-Type":"application/json","Retry-After":"1","Set-Cookie":"***","X-Internal":"plain"}}`,
				`{"level":"INFO","msg":"call","pipeline":"p","method":"GET","url":"https://api.example.com/posts?q=x&token=***","duration_ms":1,"attempts":1,"status":200}`,
			},
		},
		"what_the_file_allows_and_forbids": {
			`"log"`, "[stages.log]\nheaders = [\"x-mine\"]\nquery = [\"q\"]\nkeys = [\"page\"]", slog.LevelDebug, []int{200}, "GET", "/posts?q=x&page=2", "",
			[]string{
				`{"level":"DEBUG","msg":"request","pipeline":"p","attempt":1,"method":"GET","url":"https://api.example.com/posts?q=x&page=***","duration_ms":1,"status":200,"request_headers":{"Accept":"text/plain","X-Mine":"m"},"response_headers":{"Content-Type":"application/json","Retry-After":"1"}}`,
				`{"level":"INFO","msg":"call","pipeline":"p","method":"GET","url":"https://api.example.com/posts?q=x&page=***","duration_ms":1,"attempts":1,"status":200}`,
			},
		},
		"bodies_redacted_by_key_each_once": {
			`"twice", "log"`, "[stages.log]\nlevel = \"error\"\nrequest_body = true\nresponse_body = true", slog.LevelWarn, []int{500, 500}, "PUT", "/posts", `{"user":"ada","password":"lovelace"}`,
			[]string{
				`{"level":"WARN","msg":"request","pipeline":"p","attempt":1,"method":"PUT","url":"https://api.example.com/posts","duration_ms":1,"status":500,"kind":"server","class":"unknown","response_headers":{"Content-Type":"application/json","Retry-After":"1"},"request_body":"{\"user\":\"ada\",\"password\":\"***\"}"}`,
				`{"level":"WARN","msg":"response body","pipeline":"p","attempt":1,"status":500,"duration_ms":1,"body_bytes":24,"response_body":"{\"id\":1,\"token\":\"***\"}"}`,
				`{"level":"WARN","msg":"request","pipeline":"p","attempt":2,"method":"PUT","url":"https://api.example.com/posts","duration_ms":1,"status":500,"kind":"server","class":"unknown","response_headers":{"Content-Type":"application/json","Retry-After":"1"},"request_body":"{\"user\":\"ada\",\"password\":\"***\"}"}`,
				`{"level":"ERROR","msg":"call","pipeline":"p","method":"PUT","url":"https://api.example.com/posts","duration_ms":2,"attempts":2,"status":500,"kind":"server","class":"unknown","reason":"max_attempts"}`,
				`{"level":"WARN","msg":"response body","pipeline":"p","attempt":2,"status":500,"duration_ms":1,"body_bytes":24,"response_body":"{\"id\":1,\"token\":\"***\"}"}`,
			},
		},
		"bodies_up_to_the_limit": {
			`"log"`, "[stages.log]\nsend_level = \"warn\"\ncalls = false\nrequest_body = true\nresponse_body = true\nbody_limit = \"8B\"", slog.LevelWarn, []int{200}, "PUT", "/posts", `{"user":"ada"}`,
			[]string{
				`{"level":"WARN","msg":"request","pipeline":"p","attempt":1,"method":"PUT","url":"https://api.example.com/posts","duration_ms":1,"status":200,"request_headers":{"Accept":"text/plain","Content-Type":"application/json"},"response_headers":{"Content-Type":"application/json","Retry-After":"1"},"request_body":"{\"user\":","body_truncated":true}`,
				`{"level":"WARN","msg":"response body","pipeline":"p","attempt":1,"status":200,"duration_ms":1,"body_bytes":24,"response_body":"{\"id\":1,","body_truncated":true}`,
			},
		},
		"nothing_below_the_logger's_level": {`"log"`, "", slog.LevelError, []int{404}, "GET", "/", "", nil},
		"nothing_where_when_says_no":       {`"log"`, "[stages.log]\nwhen = 'request.method == \"PUT\"'", slog.LevelDebug, []int{200}, "GET", "/", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out output
				p, _ := open(t, tt.list, tt.keys, slow(tt.statuses...), pipeline.WithLogger(out.logger(tt.level)))
				req, err := p.NewRequest(t.Context(), tt.method, tt.ref, strings.NewReader(tt.body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Accept", "text/plain")
				if tt.body != "" {
					req.Header.Set("Content-Type", "application/json")
				} else {
					req.Header.Set("X-Mine", "m")
					req.Header.Set("Authorization", "Bearer hunter2hunter2")
				}
				resp, err := p.RoundTrip(req)
				if err == nil {
					_, _ = io.ReadAll(resp.Body)
					_ = resp.Body.Close()
				}
				var got []string
				for line := range strings.Lines(out.take()) {
					got = append(got, strings.TrimSpace(line))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("records (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestLog_names_what_the_call_is_about(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out output
		p, _ := open(t, `"log"`, "[stages.log]\nprofile = \"development\"\nsend_level = \"debug\"", slow(200), pipeline.WithLogger(out.logger(slog.LevelInfo)))
		ctx := pipeline.With(t.Context(), pipeline.Operation("posts.list"), pipeline.Subject("acme"))
		req, _ := p.NewRequest(ctx, "", "/", nil)
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		want := `{"level":"INFO","msg":"call","pipeline":"p","method":"GET","url":"https://api.example.com/","duration_ms":1,"attempts":1,"status":200,"operation":"posts.list","subject":"acme"}` + "\n"
		if diff := cmp.Diff(want, out.take()); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestConfig_refuses(t *testing.T) {
	for keys, want := range map[string]string{
		`profile = "prod"`:          `t.toml:6:11: unknown profile "prod"`,
		`level = "trace"`:           `t.toml:6:9: unknown level "trace"`,
		`send_level = "no"`:         `t.toml:6:14: unknown level "no"`,
		`body_limit = "2MiB"`:       `t.toml:6:14: body_limit must be at least 1B and at most 1MiB`,
		`headers = ["x", "Cookie"]`: `t.toml:6:17: the header "Cookie" is secret by its name`,
		`query = ["api_key"]`:       `t.toml:6:10: the parameter "api_key" is secret by its name`,
		`response_bodies = true`:    `t.toml:6:1: unknown key response_bodies`,
	} {
		src := "version = 1\n[pipelines.p]\nbase_url = \"https://e.x\"\nstages = [\"log\"]\n[stages.log]\n" + keys
		_, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithStages(Factory()))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got:\n%v\nwant %s", err, want)
		}
	}
}
