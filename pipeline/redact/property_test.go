package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline/redact"
)

const canary = "CANARY7f3a9"

// drawJSON writes JSON that holds the canary only below secret keys, spelt in odd ways.
func drawJSON(t *rapid.T, depth int, secret bool) string {
	space := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space")
	kind := rapid.IntRange(0, 6).Draw(t, "kind")
	if depth > 4 {
		kind %= 4
	}
	switch kind {
	case 0:
		return space + rapid.SampledFrom([]string{"1", "-2.50e+10", "true", "null", "12345678901234567890"}).Draw(t, "scalar")
	case 1, 2, 3:
		if secret {
			return space + rapid.SampledFrom([]string{`"` + canary + `"`, `"x` + canary + `\n"`, `"\u0043ANARY7f3a9"`, `"` + canary + `\""`}).Draw(t, "secret")
		}
		return space + rapid.SampledFrom([]string{`"plain"`, `"\"{\\é"`, `""`, `"日本 words"`}).Draw(t, "text")
	case 4:
		parts := make([]string, rapid.IntRange(0, 3).Draw(t, "len"))
		for i := range parts {
			parts[i] = drawJSON(t, depth+1, secret)
		}
		return space + "[" + strings.Join(parts, ",") + space + "]"
	default:
		parts := make([]string, rapid.IntRange(0, 3).Draw(t, "len"))
		for i := range parts {
			k := "k"
			below := secret
			if rapid.Bool().Draw(t, "named") {
				k = rapid.SampledFrom([]string{"password", "PassWord", "pass\\u0077ord", "api_key", "API-Key", "x-api.key", "clientSecret",
					"refresh_token", "card", "user_pin", "Authorization", "private key", "to\\u006Ben"}).Draw(t, "key")
				below = true
			}
			parts[i] = `"` + k + `"` + space + ":" + drawJSON(t, depth+1, below)
		}
		return "{" + strings.Join(parts, space+",") + "}"
	}
}

func TestCanaryBelowSecretKeys(t *testing.T) {
	r := redact.New(redact.Rules{})
	rapid.Check(t, func(t *rapid.T) {
		in := drawJSON(t, 0, false)
		if rapid.Bool().Draw(t, "cut") {
			in = in[:rapid.IntRange(0, len(in)).Draw(t, "at")]
		} else if rapid.Bool().Draw(t, "broken") {
			at := rapid.IntRange(0, len(in)).Draw(t, "at")
			in = in[:at] + rapid.SampledFrom([]string{`"`, "}", "]", ",", "x", "\\", "'", "\x00"}).Draw(t, "by") + in[at:]
			if json.Valid([]byte(in)) {
				return // another document: the key may have another name now
			}
		}
		limit := rapid.IntRange(1, 300).Draw(t, "limit")
		got, _ := r.Body("application/json", []byte(in), limit)
		if strings.Contains(got, "CANARY") || strings.Contains(got, "ANARY7") {
			t.Fatalf("%q shows the canary: %q", in, got)
		}
		if json.Valid([]byte(in)) {
			if full, cut := r.Body("application/json", []byte(in), 1<<20); cut || !json.Valid([]byte(full)) {
				t.Fatalf("%q became %q (%v)", in, full, cut)
			}
		}
	})
}

func TestCanaryLearnt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := redact.New(redact.Rules{Headers: []string{"X-Echo"}, Query: []string{"q"}})
		// Letters of its own at both ends, so that a find is no accident.
		secret := "Q" + rapid.StringMatching(`[a-z0-9+/=&%"\\<> éß\n]{6,40}`).Draw(t, "secret") + "Z"
		r.Learn(redact.NewSecret(secret))
		around := func(s string) string {
			return rapid.SampledFrom([]string{"", "x ", "é", "a=", "https://h/"}).Draw(t, "before") + s +
				rapid.SampledFrom([]string{"", " x", "&b=c", "日"}).Draw(t, "after")
		}
		value := around(secret)
		asJSON, _ := json.Marshal(map[string]any{"a": []any{value, map[string]any{value: 1}}})
		limit := rapid.IntRange(1, 400).Draw(t, "limit")
		body, _ := r.Body("application/json", asJSON, limit)
		cutBody, _ := r.Body("application/json", asJSON[:rapid.IntRange(0, len(asJSON)).Draw(t, "at")], 400)
		form, _ := r.Body("application/x-www-form-urlencoded", []byte(url.Values{value: {value}}.Encode()), limit)
		u := &url.URL{Scheme: "https", Host: "h", Path: "/" + value, RawQuery: "q=" + url.QueryEscape(value)}
		quoted, _ := json.Marshal(secret)
		forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1 : len(quoted)-1]),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret))}
		// A body that ends within the first six bytes of a value can't be told from any other.
		six := secret[:6]
		for !utf8.ValidString(six) {
			six = secret[:len(six)+1]
		}
		if q, _ := json.Marshal(six); strings.Contains(cutBody, string(q[1:len(q)-1])) {
			t.Fatalf("a cut body shows %q: %q", six, cutBody)
		}
		outs := []string{body, form, r.Text(value), r.Header("X-Echo", value), r.URL(u, true), r.URL(u, false)}
		for _, f := range forms {
			outs = append(outs, r.Text(around(f)))
		}
		for i, out := range outs {
			for _, f := range forms {
				if len(f) > 8 {
					f = f[:8] // its beginning gives enough away
				}
				if strings.Contains(out, f) {
					t.Fatalf("output %d shows %q of %q: %q", i, f, secret, out)
				}
			}
		}
	})
}

func TestTextIsStable(t *testing.T) {
	r := redact.New(redact.Rules{})
	r.Learn(redact.NewSecret("correct horse"))
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"Bearer ", "abc", "://", "u:p@", "token", "=", ":", `"`, `\"`, "&", "?", " ", "%3D", "correct horse",
			"Basic", "/", "{", "eyJhbGciOiJIUzI1NiJ9.e30.abc", "\n", "realm="})).Draw(t, "parts")
		once := r.Text(strings.Join(parts, ""))
		if strings.Contains(once, "eyJ") || strings.Contains(once, "correct horse") || strings.Contains(once, "://u:p@") {
			t.Fatalf("%q became %q", parts, once)
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"password":"x","a":[1,{"pin":2}]}`, `{"a":"Bearer x","u":"https://a:b@c"}`, `[1.5e3,true,null,"\u00e9\\"]`, `{"pass\u0077ord":{`,
		"{\"a\":\"\xff\"}", `{"a":1}{"b":2}`, `"{\"token\":\"x\"}"`, `password=x&a=b;c=%zz`} {
		f.Add(s, 100, false)
	}
	r := redact.New(redact.Rules{})
	r.Learn(redact.NewSecret(canary))
	f.Fuzz(func(t *testing.T, in string, limit int, form bool) {
		kind := "application/json"
		if form {
			kind = "application/x-www-form-urlencoded"
		}
		limit = max(min(limit, 1<<20), 1)
		got, cut := r.Body(kind, []byte(in), limit)
		if !utf8.ValidString(got) || len(got) > limit+len("[malformed from byte 1048576]") || strings.Contains(got, canary) {
			t.Fatalf("%q became %q", in, got)
		}
		if form || cut || !json.Valid([]byte(in)) {
			return
		}
		var v any
		if err := json.Unmarshal([]byte(got), &v); err != nil {
			t.Fatalf("%q became %q: %v", in, got, err)
		}
		if err := checkMasked(v); err != nil {
			t.Fatalf("%q became %q: %v", in, got, err)
		}
		if again, _ := r.Body(kind, []byte(got), 1<<20); again != got {
			t.Fatalf("%q became %q and then %q", in, got, again)
		}
	})
}

func checkMasked(v any) error {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if fold := strings.ToLower(strings.ReplaceAll(k, "_", "")); fold == "password" || fold == "token" || fold == "apikey" || fold == "pin" {
				if e != redact.Mask {
					return fmt.Errorf("%s holds %v", k, e)
				}
			}
			if err := checkMasked(e); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if err := checkMasked(e); err != nil {
				return err
			}
		}
	}
	return nil
}
