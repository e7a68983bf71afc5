package errormap

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

func TestErrorMap_of_a_response(t *testing.T) {
	const said = `{"error":"said"}`
	for name, tt := range map[string]struct {
		rules   []string
		status  int
		kind    pipeline.Kind
		class   pipeline.Class
		message string
	}{
		"default_table":                       {nil, 404, pipeline.KindNotFound, pipeline.ClassProcessed, "said"},
		"a_success":                           {nil, 200, "", pipeline.ClassProcessed, ""},
		"a_rule_changes_the_kind":             {[]string{`{match = 'response.status == 402', kind = "policy"}`}, 402, pipeline.KindPolicy, pipeline.ClassProcessed, "said"},
		"a_rule_changes_the_message":          {[]string{`{match = 'response.status == 402', message = "pay first"}`}, 402, pipeline.KindClient, pipeline.ClassProcessed, "pay first"},
		"a_rule_that_does_not_match":          {[]string{`{match = 'response.status == 402', kind = "policy"}`}, 403, pipeline.KindForbidden, pipeline.ClassProcessed, "said"},
		"the_first_match_holds":               {[]string{`{match = 'response.status > 499', kind = "policy"}`, `{match = 'response.status == 503', kind = "network"}`}, 503, pipeline.KindPolicy, pipeline.ClassUnknown, "said"},
		"not_retryable":                       {[]string{`{match = 'response.status == 503', retryable = false}`}, 503, pipeline.KindServer, pipeline.ClassProcessed, "said"},
		"retryable":                           {[]string{`{match = 'response.status == 404', retryable = true}`}, 404, pipeline.KindNotFound, pipeline.ClassUnknown, "said"},
		"retryable_keeps_what_allows_more":    {[]string{`{match = 'response.status == 429', retryable = true}`}, 429, pipeline.KindRateLimited, pipeline.ClassRefused, "said"},
		"a_rule_names_a_response_of_any_kind": {[]string{`{match = 'response.header("X-Soft-Error") != ""', kind = "server", retryable = true}`}, 200, pipeline.KindServer, pipeline.ClassUnknown, ""},
		"the_default_kind_is_what_rules_see":  {[]string{`{match = 'error.kind == "not_found"', message = "gone"}`}, 410, pipeline.KindNotFound, pipeline.ClassProcessed, "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			rt := roundTripper(func(*http.Request) (*http.Response, error) {
				resp, _ := answer(tt.status, "application/json", strings.NewReader(said))
				resp.Header.Set("X-Soft-Error", "yes")
				return resp, nil
			})
			keys := ""
			if tt.rules != nil {
				keys = rules(tt.rules...)
			}
			resp, err := send(t, open(t, `"error-map"`, keys, rt), "GET", "/")
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := io.ReadAll(resp.Body); string(got) != said {
				t.Errorf("body: got %q, want %q", got, said)
			}
			call := pipeline.CallOf(resp)
			if call.Kind() != tt.kind || call.Class() != tt.class || call.Message() != tt.message {
				t.Errorf("got %q, %q, %q\nwant %q, %q, %q", call.Kind(), call.Class(), call.Message(), tt.kind, tt.class, tt.message)
			}
		})
	}
}

func TestErrorMap_keeps_what_was_said_further_in(t *testing.T) {
	rt := roundTripper(func(*http.Request) (*http.Response, error) {
		resp, _ := answer(401, "application/problem+json", strings.NewReader(`{"type":"stale","title":"Stale"}`))
		return resp, nil
	})
	inner := stageOf("inner", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		pipeline.CallFrom(req.Context()).Judge(pipeline.KindUnauthorized, "", "no new token", "")
		return resp, err
	})
	resp, err := send(t, open(t, `"error-map", "inner"`, "", rt, inner), "GET", "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if call := pipeline.CallOf(resp); call.Message() != "no new token" || call.ProblemType() != "stale" {
		t.Errorf("got %q, %q\nwant %q, %q", call.Message(), call.ProblemType(), "no new token", "stale")
	}
}

func TestErrorMap_of_an_error(t *testing.T) {
	down := roundTripper(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	t.Run("a_rule_changes_the_one_error", func(t *testing.T) {
		p := open(t, `"error-map"`, rules(`{match = 'error.kind == "network"', kind = "server", message = "the gateway is down", retryable = false}`), down)
		_, err := send(t, p, "GET", "/")
		e, _ := errors.AsType[*pipeline.Error](err)
		if e == nil || e.Kind != pipeline.KindServer || e.Message != "the gateway is down" || e.Class != pipeline.ClassTerminal || e.Stage != "send" {
			t.Fatalf("got %v (%+q)", err, e.Class)
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error("the cause is lost")
		}
	})
	t.Run("without_a_match_it_stays", func(t *testing.T) {
		p := open(t, `"error-map"`, rules(`{match = 'error.kind == "timeout"', kind = "server"}`), down)
		if _, err := send(t, p, "GET", "/"); !errors.Is(err, pipeline.KindNetwork) {
			t.Errorf("got %v, want network", err)
		}
	})
	t.Run("an_error_of_a_stage_further_in", func(t *testing.T) {
		p := open(t, `"error-map", "inner"`, rules(`{match = 'error.stage == "inner"', kind = "policy"}`), down,
			stageOf("inner", func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, errors.New("odd") }))
		_, err := send(t, p, "GET", "/")
		if e, _ := errors.AsType[*pipeline.Error](err); e == nil || e.Kind != pipeline.KindPolicy || e.Stage != "inner" || e.Message != "odd" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an_error_that_others_hold_too_is_not_written_to", func(t *testing.T) {
		stage, err := New(Config{Rules: []Rule{{Match: match(t, `error.kind == "policy"`), Kind: pipeline.KindServer}}}, pipeline.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		shared := pipeline.Errorf(pipeline.KindPolicy, "the breaker is open")
		req, _ := http.NewRequestWithContext(t.Context(), "GET", "https://e.x", nil)
		for _, given := range []error{shared, errors.Join(shared)} {
			_, err = stage.Do(req, roundTripper(func(*http.Request) (*http.Response, error) { return nil, given }))
			if !errors.Is(err, pipeline.KindServer) || shared.Kind != pipeline.KindPolicy {
				t.Errorf("got %v, and the shared error has kind %s", err, shared.Kind)
			}
			if !errors.Is(err, given) && given != error(shared) {
				t.Errorf("%v does not wrap what it was made of", err)
			}
		}
	})
}

func TestErrorMap_reads_what_the_demo_says(t *testing.T) {
	api := demo.New(demo.Options{})
	login := httptest.NewRecorder()
	api.ServeHTTP(login, httptest.NewRequest("POST", "/login", strings.NewReader(`{"user":"ada","password":"lovelace"}`)))
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(login.Body.Bytes(), &tokens); err != nil {
		t.Fatal(err)
	}
	p := open(t, `"error-map"`, "", nil, pipeline.WithTransport("default", handler{api}))
	for ref, want := range map[string][2]string{
		"/problem": {"somebody else changed the post: you changed version 3 of post 1, which is at version 4", "http://demo.localhost/problems/edit-conflict"},
		"/teapot":  {"short and stout (teapot)", ""},
		"/html":    {"", ""},
	} {
		req, _ := p.NewRequest(t.Context(), "GET", ref, nil)
		req.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		call := pipeline.CallOf(resp)
		if call.Message() != want[0] || call.ProblemType() != want[1] {
			t.Errorf("%s: got %q, %q, want %q", ref, call.Message(), call.ProblemType(), want)
		}
	}
}

func TestErrorMap_gives_the_door_message_and_type(t *testing.T) {
	rt := roundTripper(func(*http.Request) (*http.Response, error) {
		resp, _ := answer(409, "application/problem+json", strings.NewReader(`{"type":"https://e.x/p","title":"taken"}`))
		return resp, nil
	})
	client := open(t, `"error-map"`, "", rt).Client(pipeline.StatusErrors())
	_, err := client.Get("https://api.example.com/")
	e, _ := errors.AsType[*pipeline.Error](err)
	if e == nil || e.Message != "taken" || e.ProblemType != "https://e.x/p" || e.Status != 409 || !strings.Contains(string(e.Body), "taken") {
		t.Errorf("got %v", err)
	}
}

func TestErrorMap_puts_back_what_it_read(t *testing.T) {
	long := `{"error":"` + strings.Repeat("x", maxBody) + `"}`
	broken := errors.New("cut off")
	for name, tt := range map[string]struct {
		body    io.Reader
		want    string
		err     error
		message string
	}{
		"short":                 {strings.NewReader(`{"error":"x"}`), `{"error":"x"}`, nil, "x"},
		"longer_than_the_limit": {strings.NewReader(long), long, nil, ""},
		"cut_off":               {io.MultiReader(strings.NewReader(`{"err`), iotest.ErrReader(broken)), `{"err`, broken, "the body of the error could not be read: reading the body: cut off"},
		"in_small_pieces":       {iotest.OneByteReader(strings.NewReader(`{"error":"x"}`)), `{"error":"x"}`, nil, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, b := answer(500, "application/json", tt.body)
			resp2, err := send(t, open(t, `"error-map"`, "", roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil })), "GET", "/")
			if err != nil {
				t.Fatal(err)
			}
			if got := pipeline.CallOf(resp2).Message(); got != tt.message {
				t.Errorf("message: got %q, want %q", got, tt.message)
			}
			got, err := io.ReadAll(resp2.Body)
			if string(got) != tt.want || tt.err != nil && !errors.Is(err, tt.err) || tt.err == nil && err != nil {
				t.Errorf("body: got %d bytes and %v, want %d and %v", len(got), err, len(tt.want), tt.err)
			}
			_ = resp2.Body.Close()
			_ = resp2.Body.Close()
			if n := b.closed.Load(); n != 1 {
				t.Errorf("closed %d times, want once", n)
			}
			if _, err := resp2.Body.Read(make([]byte, 1)); err == nil {
				t.Error("the body can be read after Close")
			}
		})
	}
}

func TestErrorMap_does_not_read(t *testing.T) {
	for name, change := range map[string]func(*http.Response){
		"a_success":        func(r *http.Response) { r.StatusCode = 200 },
		"html":             func(r *http.Response) { r.Header.Set("Content-Type", "text/html") },
		"a_stream":         func(r *http.Response) { r.Header.Set("Content-Type", "text/event-stream") },
		"compressed_bytes": func(r *http.Response) { r.Header.Set("Content-Encoding", "gzip") },
		"a_huge_body":      func(r *http.Response) { r.ContentLength = 1 << 30 },
	} {
		t.Run(name, func(t *testing.T) {
			resp, _ := answer(500, "application/json", iotest.ErrReader(errors.New("was read")))
			change(resp)
			got, err := send(t, open(t, `"error-map"`, "", roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil })), "GET", "/")
			if err != nil {
				t.Fatal(err)
			}
			if said := pipeline.CallOf(got).Message(); said != "" {
				t.Errorf("message: got %q, want none", said)
			}
			_ = got.Body.Close()
		})
	}
}

func TestErrorMap_hides_secrets(t *testing.T) {
	redactor := redact.New(redact.Rules{})
	redactor.Learn(redact.NewSecret("c4n4ry-in-the-mine"))
	stage, err := New(Defaults(), pipeline.Settings{Redactor: redactor})
	if err != nil {
		t.Fatal(err)
	}
	filler := strings.Repeat("x", maxMessage-12)
	for _, said := range []string{"no user c4n4ry-in-the-mine", "Bearer abcdefgh12345678 was refused", filler + " c4n4ry-in-the-mine", "https://ada:hunter22@e.x/ is away"} {
		resp, _ := answer(400, "application/json", strings.NewReader(`{"error":"`+said+`"}`))
		req, _ := http.NewRequestWithContext(t.Context(), "GET", "https://e.x", nil)
		message, _ := stage.said(req, resp)
		for _, secret := range []string{"c4n4ry", "abcdefgh", "hunter22"} {
			if message == "" || strings.Contains(message, secret) {
				t.Errorf("the message %q shows %s, or nothing", message, secret)
			}
		}
	}
}

func TestErrorMap_fails_by_a_condition_that_fails(t *testing.T) {
	resp, b := answer(500, "text/plain", strings.NewReader("x"))
	p := open(t, `"error-map"`, rules(`{match = 'int(response.header("X-N")) > 3', kind = "policy"}`), roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil }))
	_, err := send(t, p, "GET", "/")
	e, _ := errors.AsType[*pipeline.Error](err)
	if e == nil || e.Kind != pipeline.KindPolicy || e.Stage != "error-map" || !strings.HasPrefix(e.Message, "rules[0].match: ") {
		t.Errorf("got %v", err)
	}
	if b.closed.Load() != 1 {
		t.Errorf("the dropped body was closed %d times", b.closed.Load())
	}
}

func TestConfig_refuses(t *testing.T) {
	for want, lines := range map[string]string{
		"the rule has no match":         `{kind = "policy"}`,
		"the rule says nothing of what": `{match = 'response.status == 1'}`,
		`unknown kind "polcy"`:          `{match = 'response.status == 1', kind = "polcy"}`,
		"unknown key":                   `{match = 'response.status == 1', kind = "policy", retry = true}`,
	} {
		src := "version = 1\n[pipelines.p]\nbase_url = \"https://e.x\"\nstages = [\"error-map\"]\n" + rules(lines)
		_, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithStages(Factory()))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "t.toml:7:") {
			t.Errorf("got:\n%v\nwant %q on line 7", err, want)
		}
	}
}

func TestErrorMap_costs_nothing_on_success(t *testing.T) {
	stage, err := New(Defaults(), pipeline.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	resp, _ := answer(200, "application/json", strings.NewReader("{}"))
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "https://e.x", nil)
	next := roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil })
	if n := testing.AllocsPerRun(100, func() { _, _ = stage.Do(req, next) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
