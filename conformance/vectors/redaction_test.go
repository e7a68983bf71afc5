package vectors_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline/redact"
)

type redactIn struct {
	Header      *headerLine `json:"header,omitempty"`
	URL         string      `json:"url,omitempty"`
	Text        string      `json:"text,omitempty"`
	ContentType string      `json:"content_type,omitempty"`
	Body        payload     `json:"body,omitempty"`
	Limit       int         `json:"limit,omitempty"`
	All         bool        `json:"all,omitempty"`
	Rules       *listed     `json:"rules,omitempty"`
	Learnt      []string    `json:"learnt,omitempty"`
	Secrets     []string    `json:"secrets"`
}

type headerLine struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

type listed struct {
	Headers []string `json:"headers,omitempty"`
	Query   []string `json:"query,omitempty"`
	Keys    []string `json:"keys,omitempty"`
}

type redactOut struct {
	Shown     string `json:"shown"`
	Truncated bool   `json:"truncated"`
}

func redaction() file {
	cases := append(append(redactedHeaders(), redactedURLs()...), append(redactedTexts(), redactedBodies()...)...)
	return table[redactIn, redactOut]{
		file: "redaction.json",
		text: "What may be shown of a header, a URL, a text or a body (one of them is there). all is the development profile: what is not secret by its name shows too. " +
			"rules are names that the file adds; learnt are secrets that leat holds; limit is the most bytes of a body that show. secrets are the parts of the input that must not show.",
		rules: []string{"send.quiet"},
		run:   runRedact,
		check: checkRedact,
		cases: append(cases, redactedByValue()...),
	}
}

type redactSamples []sample[redactIn, redactOut]

func (s *redactSamples) add(name string, in redactIn, shown string, secrets ...string) {
	in.Secrets = append([]string{}, secrets...)
	*s = append(*s, sample[redactIn, redactOut]{name, in, &redactOut{Shown: shown}})
}

func redactedHeaders() (s redactSamples) {
	header := func(name string, values ...string) redactIn { return redactIn{Header: &headerLine{name, values}} }
	all := func(in redactIn) redactIn { in.All = true; return in }
	ruled := func(in redactIn, names ...string) redactIn { in.Rules = &listed{Headers: names}; return in }
	s.add("header: a harmless one", header("Content-Type", "application/json"), "application/json")
	s.add("header: case of the name", header("content-type", "application/json"), "application/json")
	s.add("header: two lines", header("Accept", "text/html", "text/plain"), "text/html, text/plain")
	s.add("header: unknown", header("X-Tenant", "acme-17"), "***", "acme-17")
	s.add("header: unknown, all", all(header("X-Tenant", "acme-17")), "acme-17")
	s.add("header: unknown, listed", ruled(header("X-Tenant", "acme-17"), "x-tenant"), "acme-17")
	s.add("header: an empty value", header("X-Tenant", ""), "")
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "X-Amz-Security-Token", "X-Hub-Signature-256", "X-Session-Id", "X-CSRF-Token"} {
		s.add("header: "+name+", all and listed", all(ruled(header(name, "hunter2-hunter2"), name)), "***", "hunter2")
	}
	s.add("header: a challenge", header("WWW-Authenticate", `Bearer realm="acme", error="invalid_token"`), "Bearer ***", "acme", "invalid_token")
	s.add("header: a challenge of one word", header("WWW-Authenticate", "Negotiate"), "Negotiate")
	s.add("header: a challenge that is none", header("WWW-Authenticate", "hunter2=abc"), "***", "hunter2", "abc")
	s.add("header: a place to go", header("Location", "https://ada:hunter2@example.com/a?page=2&code=4711#token"), "https://example.com/a?page=2&code=***", "hunter2", "4711", "token")
	s.add("header: a relative place to go", header("Location", "/next?access_token=hunter2"), "/next?access_token=***", "hunter2")
	s.add("header: a place that can't be read", header("Location", "http://ada:hunter2 x@["), "***", "hunter2")
	s.add("header: a token within a harmless one", header("User-Agent", "tool/1 (Bearer hunter2-hunter2)"), "tool/1 (Bearer ***)", "hunter2")
	return s
}

func redactedURLs() (s redactSamples) {
	address := func(u string) redactIn { return redactIn{URL: u} }
	all := func(u string) redactIn { return redactIn{URL: u, All: true} }
	s.add("url: nothing to hide", address("https://api.example.com/v1/posts?page=2"), "https://api.example.com/v1/posts?page=2")
	s.add("url: user, password and fragment", address("https://ada:hunter2@api.example.com:8443/a%2Fb#pw4711"), "https://api.example.com:8443/a%2Fb", "ada", "hunter2", "pw4711")
	s.add("url: unknown parameters", address("https://api.example.com/?q=acme&page=2"), "https://api.example.com/?q=***&page=2", "acme")
	s.add("url: unknown parameters, all", all("https://api.example.com/?q=acme&token=hunter2"), "https://api.example.com/?q=acme&token=***", "hunter2")
	s.add("url: secret though listed", redactIn{URL: "https://api.example.com/?q=acme&api_key=hunter2", Rules: &listed{Query: []string{"q", "api_key"}}}, "https://api.example.com/?q=acme&api_key=***", "hunter2")
	s.add("url: key and code", all("https://api.example.com/cb?key=hunter2&code=4711"), "https://api.example.com/cb?key=***&code=***", "hunter2", "4711")
	s.add("url: an escaped name", all("https://api.example.com/?to%6ben=hunter2&api%5Fkey=4711"), "https://api.example.com/?to%6ben=***&api%5Fkey=***", "hunter2", "4711")
	s.add("url: a semicolon between", all("https://api.example.com/?a=1;token=hunter2"), "https://api.example.com/?a=1;token=***", "hunter2")
	s.add("url: a word without a name", address("https://api.example.com/?hunter2"), "https://api.example.com/?***", "hunter2")
	s.add("url: an escape that is none", all("https://api.example.com/?q=%zzhunter2"), "https://api.example.com/?q=***", "hunter2")
	s.add("url: a URL within", all("https://api.example.com/?next=https%3A%2F%2Fx%3Ftoken%3Dhunter2"), "https://api.example.com/?next=***", "hunter2")
	s.add("url: a relative one", address("/posts?page=2&session=hunter2"), "/posts?page=2&session=***", "hunter2")
	return s
}

func redactedTexts() (s redactSamples) {
	text := func(v string) redactIn { return redactIn{Text: v} }
	for _, same := range []string{
		"dial tcp 127.0.0.1:80: connect: connection refused", "exchange token: unauthorized: signature of key 7 is bad", "invalid bearer token",
		`Bearer realm="x", error="invalid_token"`, "https://api.example.com:8080/a@b", "rpc error: code = Unavailable desc = x",
	} {
		s.add("text: harmless: "+same, text(same), same)
	}
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk"
	s.add("text: behind Bearer", text("got Bearer abc.def-ghi~jkl+/==, want none"), "got Bearer *** want none", "abc.def-ghi~jkl+/==")
	s.add("text: behind Basic, in capitals", text("BASIC YWRhOmh1bnRlcjI="), "BASIC ***", "YWRhOmh1bnRlcjI=")
	s.add("text: a URL within", text(`Get "https://ada:hun:ter2@h/x?token=4711&page=2": EOF`), `Get "https://***@h/x?token=***&page=2": EOF`, "hun:ter2", "4711")
	s.add("text: a password with a slash", text(`parse "https://ada:hunter2/a?s#s@h/": invalid port`), `parse "https://***@h/": invalid port`, "hunter2")
	s.add("text: a database's URL", text("postgres://ada:hunter2@db/x"), "postgres://***@db/x", "hunter2")
	s.add("text: the code of a login", text("https://h/cb?code=4711&state=x"), "https://h/cb?code=***&state=x", "4711")
	s.add("text: name and value", text("password=hunter2, user=ada"), "password=*** user=ada", "hunter2")
	s.add("text: a quoted value", text(`password = "hun \"ter2\" c" x`), `password = "***" x`, "hun", "ter2")
	s.add("text: JSON", text(`{"password":"hun\"ter2","n":1,"pin":4711,"k":{"secret":[17,18]}}`), `{"password":"***","n":1,"pin":***,"k":{"secret":***`, "hun", "4711", "17")
	s.add("text: JSON within JSON", text(`"{\"password\":\"hun\\\"ter2\",\"n\":1}"`), `"{\"password\":\"***\",\"n\":1}"`, "hun", "ter2")
	s.add("text: a header line", text("Authorization: Token hunter2\nHost: h"), "Authorization: ***\nHost: h", "hunter2")
	s.add("text: header lines", text("x-api-key: hunter2\r\ncookie: a=4711; c=d"), "x-api-key: ***\r\ncookie: ***", "hunter2", "4711")
	s.add("text: a JSON web token", text("see "+jwt+" now"), "see *** now", jwt, "c2lnbmVk")
	s.add("text: a key by its form", text("key sk-abcdefghijklmnopqrstuvwxyz"), "key ***", "abcdefghijklmnopqrstuvwxyz")
	s.add("text: a form", text("user[password]=hunter2&to%6ben=4711"), "user[password]=***&to%6ben=***", "hunter2", "4711")
	s.add("text: escaped within", text("u=https%3A%2F%2Fh%3Ftoken%3Dhunter2"), "u=***", "hunter2")
	s.add("text: letters that fold", text("paſſword=hunter2"), "paſſword=***", "hunter2")
	s.add("text: a key of the file's", redactIn{Text: "customer_no=4711", Rules: &listed{Keys: []string{"customer-no"}}}, "customer_no=***", "4711")
	s.add("text: the same key without the file", text("customer_no=4711"), "customer_no=4711")
	return s
}

func redactedBodies() (s redactSamples) {
	const js = "application/json; charset=utf-8"
	body := func(kind, v string, limit int) redactIn {
		return redactIn{ContentType: kind, Body: payload(v), Limit: limit}
	}
	cut := func(name string, in redactIn, shown string, secrets ...string) {
		s.add(name, in, shown, secrets...)
		s[len(s)-1].want.Truncated = true
	}
	s.add("body: kept as it is written", body(js, "{ \"a\" : 1.50E+400,\n\"b\":[true,null,\"\\u00e9\"] }\n", 100), "{ \"a\" : 1.50E+400,\n\"b\":[true,null,\"\\u00e9\"] }\n")
	s.add("body: any type below a secret key", body(js, `{"password":"hunter2","token":4711,"secret":{"a":[17]},"pin":[23,{"b":29}],"otp":null,"z":1}`, 200),
		`{"password":"***","token":"***","secret":"***","pin":"***","otp":"***","z":1}`, "hunter2", "4711", "17", "23", "29")
	s.add("body: spellings", body(js, `{"API-Key":"hunter2","clientSecret":"hunter2","pass\u0077ord":"hunter2","user.password":"hunter2","ACCESS_TOKEN":"hunter2"}`, 300),
		`{"API-Key":"***","clientSecret":"***","pass\u0077ord":"***","user.password":"***","ACCESS_TOKEN":"***"}`, "hunter2")
	s.add("body: a key of the file's", redactIn{ContentType: js, Body: `{"customerNo":"4711"}`, Limit: 100, Rules: &listed{Keys: []string{"customer-no"}}}, `{"customerNo":"***"}`, "4711")
	s.add("body: harmless neighbours", body(js, `{"shipping":"x","token_type":"Bearer","max_tokens":5,"opinion":"x","company":"x"}`, 200),
		`{"shipping":"x","token_type":"Bearer","max_tokens":5,"opinion":"x","company":"x"}`)
	s.add("body: a key twice", body(js, `{"token":"hunter2","token":"4711","a":{"token":"17"}}`, 100), `{"token":"***","token":"***","a":{"token":"***"}}`, "hunter2", "4711", "17")
	s.add("body: texts in values", body(js, `{"h":["Authorization: Bearer hunter2"],"u":"https://ada:4711@h/","j":"{\"token\":\"hunter2\"}","w":"Be\u0061rer hunter2"}`, 300),
		`{"h":["Authorization: ***"],"u":"https://***@h/","j":"{\"token\":\"***\"}","w":"Bearer ***"}`, "hunter2", "4711")
	s.add("body: JSON lines", body("application/x-ndjson", "{\"token\":4711}\n{\"a\":1}", 100), "{\"token\":\"***\"}\n{\"a\":1}", "4711")
	s.add("body: a form", body("application/x-www-form-urlencoded", "user=ada&pass%77ord=hunter2&q=a+b;token=4711&lone&e=", 200), "user=ada&pass%77ord=***&q=a+b;token=***&lone&e=", "hunter2", "4711")
	s.add("body: secrets in a form's values", body("application/x-www-form-urlencoded", "a=Bearer+hunter2&b=%zz&c=https%3A%2F%2Fada%3A4711%40h", 200), "a=***&b=***&c=***", "hunter2", "4711")
	s.add("body: not UTF-8", body(js, "{\"a\":\"\xff\",\"pass\xffword\":4711}", 100), "{\"a\":\"\ufffd\",\"pass\ufffdword\":\"***\"}", "4711")
	cut("body: ends in a secret", body(js, `{"a":1,"password":"hunt`, 100), `{"a":1,"password":"***"`, "hunt")
	cut("body: ends below a secret", body(js, `{"a":1,"password":{"x":["hunt`, 100), `{"a":1,"password":"***"`, "hunt")
	cut("body: ends in a text", body(js, `{"a":"hunt`, 100), `{"a":`, "hunt")
	cut("body: malformed: nothing behind shows", body(js, `{"a":1,password:"hunter2"}`, 100), `{"a":1,[malformed from byte 7]`, "hunter2")
	cut("body: quotes of another kind", body(js, `{'token':'hunter2'}`, 100), `{[malformed from byte 1]`, "hunter2")
	cut("body: a limit", body(js, `{"aaaa":"bbbbbbbb"}`, 12), `{"aaaa":"bbb`)
	cut("body: a limit between characters", body(js, `{"a":"日本語"}`, 8), `{"a":"`)
	cut("body: a limit below a secret", body(js, `{"token":"`+strings.Repeat("x", 30)+`","a":1}`, 20), `{"token":"***","a":1`, "xxx")
	cut("body: no limit shows a note alone", body(js, `{"password":"hunter2"}`, 0), "[application/json, 22 bytes]", "hunter2")
	cut("body: html", body("text/html; charset=utf-8", "<b>hunter2</b>", 100), "[text/html, 14 bytes]", "hunter2")
	cut("body: no content type", body("", "hunter2", 100), "[no content type, 7 bytes]", "hunter2")
	cut("body: compressed", body(js, "\x1f\x8b\x08\xff", 100), "[malformed from byte 0]")
	return s
}

// redactedByValue is about secrets that leat holds: they show nowhere, however they are spelt.
func redactedByValue() (s redactSamples) {
	const secret = "p/ss\"w rd+1<"
	known := func(in redactIn) redactIn { in.Learnt = []string{secret}; return in }
	s.add("learnt: in a text", known(redactIn{Text: "x " + secret + " y"}), "x *** y", secret)
	s.add("learnt: escaped for a query", known(redactIn{Text: "x=" + url.QueryEscape(secret)}), "x=***", url.QueryEscape(secret))
	s.add("learnt: escaped for a path", known(redactIn{Text: "/" + url.PathEscape(secret) + "/"}), "/***/", url.PathEscape(secret))
	s.add("learnt: escapes in lower case", known(redactIn{Text: "x=p%2fss%22w+rd%2b1%3c"}), "x=***", "p%2fss%22w+rd%2b1%3c")
	s.add("learnt: in base64", known(redactIn{Text: "b " + base64.StdEncoding.EncodeToString([]byte(secret))}), "b ***", "cC9zcyJ3IHJkKzE8")
	s.add("learnt: in base64 with + and /", redactIn{Text: "b fn5+Pz8/Pj4+", Learnt: []string{"~~~???>>>"}}, "b ***", "fn5+Pz8/Pj4+")
	s.add("learnt: in base64 with - and _", redactIn{Text: "b fn5-Pz8_Pj4-", Learnt: []string{"~~~???>>>"}}, "b ***", "fn5-Pz8_Pj4-")
	s.add("learnt: cut off", known(redactIn{Text: "x p/ss\"w"}), "x ***", "p/ss")
	s.add("learnt: in a header", known(redactIn{Header: &headerLine{"User-Agent", []string{secret}}}), "***", secret)
	s.add("learnt: in the path of a URL", known(redactIn{URL: "https://h/a/" + url.PathEscape(secret)}), "https://h/a/***", url.PathEscape(secret))
	s.add("learnt: in JSON, as value and as key", known(redactIn{ContentType: "application/json", Body: `{"a":["p/ss\"w rd+1\u003c"],"p/ss\"w rd+1<":1}`, Limit: 100}), `{"a":["***"],"***":1}`, `p/ss`)
	s.add("learnt: too short to be told from other text", redactIn{Text: "short", Learnt: []string{"short"}}, "short")
	s.add("learnt: two that overlap", redactIn{Text: "-abcdefghijkl-", Learnt: []string{"abcdefgh", "efghijkl"}}, "-***-", "abcd", "ijkl")
	return s
}

func runRedact(t *testing.T, in redactIn) redactOut {
	rules := redact.Rules{}
	if in.Rules != nil {
		rules = redact.Rules{Headers: in.Rules.Headers, Query: in.Rules.Query, Keys: in.Rules.Keys}
	}
	r := redact.New(rules)
	for _, s := range in.Learnt {
		r.Learn(redact.NewSecret(s))
	}
	switch {
	case in.Header != nil:
		for _, shown := range r.Headers(http.Header{in.Header.Name: in.Header.Values}, in.All) {
			return redactOut{Shown: shown}
		}
		t.Errorf("no header %s", in.Header.Name)
	case in.URL != "":
		u, err := url.Parse(in.URL)
		if err != nil {
			t.Fatal(err)
		}
		return redactOut{Shown: r.URL(u, in.All)}
	case in.Text != "":
		return redactOut{Shown: r.Text(in.Text)}
	}
	shown, truncated := r.Body(in.ContentType, []byte(in.Body), in.Limit)
	return redactOut{shown, truncated}
}

func checkRedact(in redactIn, out redactOut) string {
	whole := in.URL + "\n" + in.Text + "\n" + string(in.Body)
	if in.Header != nil {
		whole += strings.Join(in.Header.Values, "\n")
	}
	for _, secret := range in.Secrets {
		switch {
		case !strings.Contains(whole, secret):
			return "the input does not hold the secret " + secret
		case strings.Contains(out.Shown, secret):
			return "it shows " + secret
		}
	}
	if in.ContentType != "" && in.Limit > 0 && !strings.Contains(out.Shown, "[") && len(out.Shown) > in.Limit {
		return "it is longer than its limit"
	}
	return ""
}
