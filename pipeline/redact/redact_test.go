package redact_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestHeader(t *testing.T) {
	r := redact.New(redact.Rules{Headers: []string{"x-tenant", "X-Api-Key", "authorization"}})
	tests := []struct{ name, value, want string }{
		{"Content-Type", "application/json", "application/json"},
		{"content-type", "application/json", "application/json"},
		{"X-Tenant", "acme", "acme"},
		{"X-Unknown", "acme", "***"},
		{"X-Unknown", "", ""},
		{"Authorization", "Bearer abc", "***"},
		{"Proxy-Authorization", "Basic abc", "***"},
		{"Cookie", "a=b", "***"},
		{"Set-Cookie", "a=b", "***"},
		{"X-Api-Key", "abc", "***"},
		{"WWW-Authenticate", `Bearer realm="x", error="invalid_token"`, "Bearer ***"},
		{"WWW-Authenticate", "Negotiate", "Negotiate"},
		{"WWW-Authenticate", "s3cret=abc", "***"},
		{"Location", "https://u:p@example.com/a?page=2&code=abc#x", "https://example.com/a?page=2&code=***"},
		{"Location", "/next?token=abc", "/next?token=***"},
		{"Location", "http://u:p w@[", "***"},
		{"User-Agent", "tool/1 (Bearer abcdef)", "tool/1 (Bearer ***)"},
	}
	for _, tt := range tests {
		t.Run(tt.name+": "+tt.value, func(t *testing.T) {
			if got := r.Header(tt.name, tt.value); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	r := redact.New(redact.Rules{})
	h := http.Header{"X-Unknown": {"v"}, "Accept": {"a", "b"}, "Authorization": {"Bearer abc"}, "X-Session-Id": {"abc"},
		"X-Amz-Security-Token": {"abc"}, "X-Empty": nil, "X-Hub-Signature-256": {"abc"}}
	collect := func(all bool) (out []string) {
		for name, value := range r.Headers(h, all) {
			out = append(out, name+": "+value)
		}
		return out
	}
	masked := []string{"X-Amz-Security-Token: ***", "X-Hub-Signature-256: ***", "X-Session-Id: ***"}
	want := append(append([]string{"Accept: a, b", "Authorization: ***"}, masked...), "X-Unknown: ***")
	if d := cmp.Diff(want, collect(false)); d != "" {
		t.Error(d)
	}
	want[len(want)-1] = "X-Unknown: v"
	if d := cmp.Diff(want, collect(true)); d != "" {
		t.Error(d)
	}
	for range r.Headers(h, true) {
		break
	}
}

func TestURL(t *testing.T) {
	r := redact.New(redact.Rules{Query: []string{"q", "token", "next"}})
	tests := []struct{ in, production, all string }{
		{"https://api.example.com/v1/posts", "https://api.example.com/v1/posts", "https://api.example.com/v1/posts"},
		{"https://u:p@h:8443/a%2Fb?#frag", "https://h:8443/a%2Fb", "https://h:8443/a%2Fb"},
		{"https://h/?a=1&q=x&token=t&page=2", "https://h/?a=***&q=x&token=***&page=2", "https://h/?a=1&q=x&token=***&page=2"},
		{"https://h/?to%6ben=t&api%5Fkey=k&key=k", "https://h/?to%6ben=***&api%5Fkey=***&key=***", "https://h/?to%6ben=***&api%5Fkey=***&key=***"},
		{"https://h/?q=1;token=t", "https://h/?q=1;token=***", "https://h/?q=1;token=***"},
		{"https://h/?s3cret&q=", "https://h/?***&q=", "https://h/?s3cret&q="},
		{"https://h/?q=%zz&a%zz=1", "https://h/?q=***&a%zz=***", "https://h/?q=***&a%zz=***"},
		{"https://h/?next=https%3A%2F%2Fx%3Ftoken%3Dabc", "https://h/?next=***", "https://h/?next=***"},
		{"/relative?q=x", "/relative?q=x", "/relative?q=x"},
		{"mailto:ada@example.com", "mailto:ada@example.com", "mailto:ada@example.com"},
		{"demo:/posts", "demo:///posts", "demo:///posts"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			u, err := url.Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.URL(u, false); got != tt.production {
				t.Errorf("production: got %q, want %q", got, tt.production)
			}
			if got := r.URL(u, true); got != tt.all {
				t.Errorf("all: got %q, want %q", got, tt.all)
			}
		})
	}
	if got := r.URL(nil, true); got != "" {
		t.Errorf("nil: got %q", got)
	}
}

func TestText(t *testing.T) {
	r := redact.New(redact.Rules{Keys: []string{"customer-no"}})
	tests := []struct{ in, want string }{
		{"dial tcp 127.0.0.1:80: connect: connection refused", ""},
		{"exchange token: unauthorized: signature of key 7 is bad", ""},
		{"got Bearer abc.def-ghi~jkl+/==, want none", "got Bearer *** want none"},
		{"BASIC dXNlcjpwYXNz", "BASIC ***"},
		{"invalid bearer token", ""},
		{`Bearer realm="x", error="invalid_token"`, ""},
		{`bearer%20abcdef`, "***"},
		{`Get "https://u:pa:ss@h/x?token=abc&page=2": EOF`, `Get "https://***@h/x?token=***&page=2": EOF`},
		{`parse "https://u:p/a?s#s@h/": invalid port`, `parse "https://***@h/": invalid port`},
		{`postgres://ada:s3cret@db/x`, `postgres://***@db/x`},
		{`https://h:8080/a@b`, ""},
		{`https://h/cb?code=abc&state=x`, `https://h/cb?code=***&state=x`},
		{`rpc error: code = Unavailable desc = x`, ""},
		{`password=hunter2, user=ada`, `password=*** user=ada`},
		{`password = "a \"b\" c" x`, `password = "***" x`},
		{`{"password":"a\"b","n":1,"pin":1234,"k":{"secret":[1,2]}}`, `{"password":"***","n":1,"pin":***,"k":{"secret":***`},
		{`"{\"password\":\"a\\\"b\",\"n\":1}"`, `"{\"password\":\"***\",\"n\":1}"`},
		{"Authorization: Token abc\nHost: h", "Authorization: ***\nHost: h"},
		{"x-api-key: abc\r\ncookie: a=b; c=d", "x-api-key: ***\r\ncookie: ***"},
		{"token=Bearer abcdef x", "token=Bearer *** x"},
		{"see eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc now", "see *** now"},
		{"key sk-abcdefghijklmnopqrstuvwxyz", "key ***"},
		{"user[password]=abc&to%6ben=abc", "user[password]=***&to%6ben=***"},
		{"u=https%3A%2F%2Fh%3Ftoken%3Dabc", "u=***"},
		{"customer_no=17", "customer_no=***"},
		{"paſſword=abc", "paſſword=***"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.in
			}
			if got := r.Text(tt.in); got != want {
				t.Errorf("\ngot  %s\nwant %s", got, want)
			}
			if got := r.Text(want); got != want && !strings.Contains(want, "= ") {
				t.Errorf("again: got %q", got)
			}
		})
	}
}

func TestBody(t *testing.T) {
	r := redact.New(redact.Rules{Keys: []string{"customer-no"}})
	const js = "application/json; charset=utf-8"
	deep := strings.Repeat("[", 2000)
	tests := []struct {
		name, kind, in string
		limit          int
		want           string
		truncated      bool
	}{
		{"empty", js, "", 100, "", false},
		{"kept as written", js, "{ \"a\" : 1.50E+400,\n\"b\":[true,null,\"\\u00e9\"] }\n", 100, "{ \"a\" : 1.50E+400,\n\"b\":[true,null,\"\\u00e9\"] }\n", false},
		{"any type below", js, `{"password":"x","token":1,"secret":{"a":[1]},"pin":[1,{"b":2}],"otp":null,"z":1}`, 200,
			`{"password":"***","token":"***","secret":"***","pin":"***","otp":"***","z":1}`, false},
		{"spelling", js, `{"API-Key":"x","clientSecret":"x","pass\u0077ord":"x","user.password":"x","customerNo":"x","ACCESS_TOKEN":"x"}`, 200,
			`{"API-Key":"***","clientSecret":"***","pass\u0077ord":"***","user.password":"***","customerNo":"***","ACCESS_TOKEN":"***"}`, false},
		{"harmless neighbours", js, `{"shipping":"x","token_type":"Bearer","max_tokens":5,"opinion":"x","company":"x"}`, 200,
			`{"shipping":"x","token_type":"Bearer","max_tokens":5,"opinion":"x","company":"x"}`, false},
		{"duplicate keys", js, `{"token":"a","token":"b","a":{"token":"c"}}`, 100, `{"token":"***","token":"***","a":{"token":"***"}}`, false},
		{"text in values", js, `{"h":["Authorization: Bearer abc"],"u":"https://a:b@h/","j":"{\"token\":\"abc\"}","w":"Be\u0061rer abcdef"}`, 300,
			`{"h":["Authorization: ***"],"u":"https://***@h/","j":"{\"token\":\"***\"}","w":"Bearer ***"}`, false},
		{"top-level text", js, `"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"`, 100, `"***"`, false},
		{"lines", "application/x-ndjson", "{\"token\":1}\n{\"a\":1}", 100, "{\"token\":\"***\"}\n{\"a\":1}", false},
		{"ends in a secret", js, `{"a":1,"password":"hunt`, 100, `{"a":1,"password":"***"`, true},
		{"ends below a secret", js, `{"a":1,"password":{"x":["hunt`, 100, `{"a":1,"password":"***"`, true},
		{"ends in a key", js, `{"a":1,"hunt`, 100, `{"a":1,`, true},
		{"ends in a text", js, `{"a":"hunt`, 100, `{"a":`, true},
		{"ends in a word", js, `{"a":tr`, 100, `{"a":tr`, true},
		{"malformed", js, `{"a":1,password:"hunter2"}`, 100, `{"a":1,[malformed from byte 7]`, true},
		{"malformed below a secret", js, `{"token":{"a":x}}`, 100, `{"token":"***"[malformed from byte 14]`, true},
		{"quotes of another kind", js, `{'token':'x'}`, 100, `{[malformed from byte 1]`, true},
		{"missing comma", js, `{"a":"b" "token":"x"}`, 100, `{"a":"b" [malformed from byte 9]`, true},
		{"wrong bracket", js, `{"a":[1}`, 100, `{"a":[1[malformed from byte 7]`, true},
		{"bad escape", js, `{"pass\word":"x"}`, 100, `{[malformed from byte 1]`, true},
		{"raw newline", js, "{\"a\nb\":1}", 100, `{[malformed from byte 1]`, true},
		{"bad number", js, `[01]`, 100, `[[malformed from byte 1]`, true},
		{"gzip", js, "\x1f\x8b\x08", 100, `[malformed from byte 0]`, true},
		{"byte order mark", js, "\ufeff{\"token\":1}", 100, "\ufeff{\"token\":\"***\"}", false},
		{"invalid UTF-8", js, "{\"a\":\"\xff\",\"pass\xffword\":1}", 100, "{\"a\":\"\ufffd\",\"pass\ufffdword\":\"***\"}", false},
		{"limit", js, `{"aaaa":"bbbbbbbb"}`, 12, `{"aaaa":"bbb`, true},
		{"limit between runes", js, `{"a":"日本語"}`, 8, `{"a":"`, true},
		{"limit below a secret", js, `{"token":"` + strings.Repeat("x", 300) + `","a":1}`, 20, `{"token":"***","a":1`, true},
		{"limit met", js, `{"a":1}`, 7, `{"a":1}`, false},
		{"too deep", js, deep, 3000, deep[:1000] + "[malformed from byte 1000]", true},
		{"ends in a text of words", js, `{"a":"see https://u:pw`, 100, `{"a":"see`, true},
		{"long text", js, `"` + strings.Repeat(`\\\\ `, 200000) + `"`, 10, `"` + `\\\\ \\\\`, true},
		{"no limit", js, `{"a":1}`, 0, "[application/json, 7 bytes]", true},
		{"problem details", "application/problem+json", `{"title":"t"}`, 100, `{"title":"t"}`, false},
		{"html", "text/html; charset=x", "<b>token</b>", 100, "[text/html, 12 bytes]", true},
		{"no type", "", "token", 100, "[no content type, 5 bytes]", true},
		{"odd type", "a b\nc", "token", 100, "[odd content type, 5 bytes]", true},
		{"form", "application/x-www-form-urlencoded", "user=ada&pass%77ord=x&q=a+b;token=t&lone&e=", 200,
			"user=ada&pass%77ord=***&q=a+b;token=***&lone&e=", false},
		{"form value", "application/x-www-form-urlencoded", "a=Bearer+abcdef&b=%zz&c=https%3A%2F%2Fu%3Ap%40h", 200, "a=***&b=***&c=***", false},
		{"form limit", "application/x-www-form-urlencoded", "a=1&password=abcdef", 10, "a=1&passwo", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, truncated := r.Body(tt.kind, []byte(tt.in), tt.limit)
			if got != tt.want || truncated != tt.truncated {
				t.Errorf("\ngot  %q %v\nwant %q %v", got, truncated, tt.want, tt.truncated)
			}
		})
	}
}

func TestNoAllocations(t *testing.T) {
	r := redact.New(redact.Rules{})
	r.Learn(redact.NewSecret("correct horse"))
	u := &url.URL{Scheme: "https", Host: "api.example.com", Path: "/v1/posts", User: url.User("ada")}
	body := []byte(`{"id":17,"title":"a title","tags":["a","b"]}`)
	tests := map[string]struct {
		most float64
		f    func()
	}{
		"Header": {0, func() { r.Header("Content-Type", "application/json") }},
		"Text":   {0, func() { r.Text(`Get "https://api.example.com/v1/posts?page=2": connection refused`) }},
		"URL":    {1, func() { r.URL(u, false) }},
		"Body":   {1, func() { r.Body("application/json", body, 1000) }},
	}
	for name, tt := range tests {
		if got := testing.AllocsPerRun(100, tt.f); got > tt.most {
			t.Errorf("%s: got %v allocations, want at most %v", name, got, tt.most)
		}
	}
}

func BenchmarkRedactor(b *testing.B) {
	r := redact.New(redact.Rules{})
	for i := range 100 {
		r.Learn(redact.NewSecret(fmt.Sprintf("eyJhbGciOiJIUzI1NiJ9.%d", i)))
	}
	u, _ := url.Parse("https://api.example.com/v1/posts?page=2&filter=x")
	body := []byte(`{"id":17,"title":"a title","user":{"name":"ada","password":"hunter2"},"tags":["a","b"]}`)
	for name, f := range map[string]func(){
		"Header": func() { r.Header("Content-Type", "application/json") },
		"URL":    func() { r.URL(u, false) },
		"Text":   func() { r.Text(`Get "https://api.example.com/v1/posts?page=2": connection refused`) },
		"Body":   func() { r.Body("application/json", body, 1000) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

func ExampleRedactor() {
	r := redact.New(redact.Rules{})
	r.Learn(redact.NewSecret("correct horse"))
	fmt.Println(r.Text(`login with "correct horse": Get "https://ada:pw@api.example.com/?api_key=17": EOF`))
	body, _ := r.Body("application/json", []byte(`{"user": "ada", "password": "hunter2"}`), 1024)
	fmt.Println(body)
	// Output:
	// login with "***": Get "https://***@api.example.com/?api_key=***": EOF
	// {"user": "ada", "password": "***"}
}
