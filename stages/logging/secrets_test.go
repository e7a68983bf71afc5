package logging

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// TestLog_shows_no_canary hides secrets wherever a request, an answer or an error can hold one, and reads every record.
func TestLog_shows_no_canary(t *testing.T) {
	var out output
	var reply func(*http.Request) (*http.Response, error)
	rt := roundTripper(func(req *http.Request) (*http.Response, error) { return reply(req) })
	inner := stageOf("inner", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if said := req.URL.Query().Get("api_key"); said != "" && err == nil { // a stage that says too much
			pipeline.Drop(resp)
			return nil, pipeline.Errorf(pipeline.KindPolicy, "refused: api_key=%s", said)
		}
		return resp, err
	})
	pipelines := map[string]*pipeline.Pipeline{}
	runners := map[string]*pipeline.Runner{}
	for _, profile := range []string{Production, Development} {
		keys := fmt.Sprintf("[stages.log]\nprofile = %q\nrequest_body = true\nresponse_body = true\nkeys = [\"flag\"]\nheaders = [\"X-Shown\"]\nquery = [\"shown\"]", profile)
		pipelines[profile], runners[profile] = open(t, `"twice", "log", "inner"`, keys, rt, pipeline.WithLogger(out.logger(slog.LevelDebug)), inner)
	}
	rapid.Check(t, func(t *rapid.T) {
		profile := rapid.SampledFrom([]string{Production, Development}).Draw(t, "profile")
		p := pipelines[profile]
		canary := "c4n4ry" + rapid.StringMatching(`[a-zA-Z0-9]{8,24}`).Draw(t, "canary")
		learnt := rapid.Bool().Draw(t, "learnt")
		if learnt {
			runners[profile].Redactor().Learn(redact.NewSecret(canary))
		}
		headers := http.Header{}
		query := url.Values{"page": {"2"}}
		for _, place := range rapid.SliceOfN(rapid.SampledFrom(places(profile, learnt)), 1, 4).Draw(t, "places") {
			place(t, canary, headers, query)
		}
		reply = func(*http.Request) (*http.Response, error) {
			switch rapid.IntRange(0, 3).Draw(t, "outcome") {
			case 0:
				return nil, fmt.Errorf("dial https://ada:%s@api.example.com: refused", canary)
			case 1:
				return nil, &url.Error{Op: "Get", URL: "https://e.x/?access_token=" + canary, Err: errors.New("Authorization: Bearer " + canary)}
			case 2:
				resp := answer(503, "application/x-www-form-urlencoded", strings.NewReader("a=1&client_secret="+canary+"&b=2"))
				resp.Header["Set-Cookie"] = []string{"sid=" + canary, "b=" + canary}
				resp.Header.Set("Www-Authenticate", `Bearer realm="`+canary+`"`)
				resp.Header.Set("Location", "https://e.x/cb?code="+canary)
				return resp, nil
			}
			resp := answer(rapid.SampledFrom([]int{200, 404, 500}).Draw(t, "status"), "application/json", strings.NewReader(document(t, canary, learnt)))
			resp.Header = merged(resp.Header, headers)
			return resp, nil
		}
		req, err := p.NewRequest(t.Context(), "PUT", "/posts?"+query.Encode(), strings.NewReader(document(t, canary, learnt)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = headers
		req.Header.Set("Content-Type", "application/json")
		if resp, err := p.RoundTrip(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		lines := out.take()
		if strings.Contains(lines, canary) || strings.Contains(lines, canary[:12]) {
			t.Fatalf("%s shows in:\n%s", canary, lines)
		}
		if n := strings.Count(lines, `"msg":"call"`); n != 1 {
			t.Fatalf("%d records of one call in:\n%s", n, lines)
		}
	})
}

type hide = func(t *rapid.T, canary string, h http.Header, q url.Values)

// places are where the profile must not show a canary.
func places(profile string, learnt bool) []hide {
	header := func(value string, names ...string) hide {
		return func(t *rapid.T, canary string, h http.Header, _ url.Values) {
			h.Add(rapid.SampledFrom(names).Draw(t, "header"), strings.ReplaceAll(value, "$", canary))
		}
	}
	param := func(names ...string) hide {
		return func(t *rapid.T, canary string, _ http.Header, q url.Values) {
			q.Add(rapid.SampledFrom(names).Draw(t, "parameter"), canary)
		}
	}
	list := []hide{
		header("$", "Cookie", "X-Api-Key", "X-Auth-Token", "Proxy-Authorization", "X-Amz-Security-Token", "X-Csrf-Token"),
		header("Bearer $", "Authorization", "X-Shown", "User-Agent", "X-Forwarded-Authorization"),
		param("token", "api_key", "key", "code", "X-Amz-Signature", "client_secret", "flag"),
	}
	if profile == Production {
		list = append(list, header("$", "X-Whatever", "X-Customer"), param("q", "email", "next"))
	}
	if learnt {
		list = append(list, header("a $ b", "X-Shown", "User-Agent", "X-Whatever"), param("shown", "q", "page"))
	}
	return list
}

// document is JSON with the canary under a secret key at some depth, and anywhere if it was learnt.
func document(t *rapid.T, canary string, learnt bool) string {
	key := rapid.SampledFrom([]string{"password", "clientSecret", "refresh_token", "api-key", "flag", "card_number"}).Draw(t, "key")
	var value any = canary
	switch rapid.IntRange(0, 2).Draw(t, "form") {
	case 1:
		value = []any{1, canary}
	case 2:
		value = map[string]any{"value": canary}
	}
	doc := map[string]any{"a": "plain", key: value}
	if learnt {
		doc["note"] = "see " + canary
	}
	for range rapid.IntRange(0, 5).Draw(t, "depth") {
		if rapid.Bool().Draw(t, "list") {
			doc = map[string]any{"in": []any{doc, "x"}}
		} else {
			doc = map[string]any{"in": doc, "z": 1}
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "long") {
		pad := rapid.IntRange(3900, 4100).Draw(t, "pad")
		return `{"pad":"` + strings.Repeat("x", pad) + `","doc":` + string(text) + `}`
	}
	return string(text)
}

func merged(a, b http.Header) http.Header {
	out := a.Clone()
	for name, values := range b {
		if name != "Content-Type" {
			out[name] = values
		}
	}
	return out
}
