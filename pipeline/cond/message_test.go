package cond_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/cond"
)

func TestMessages(t *testing.T) {
	tests := []struct{ text, want, hint string }{
		{``, `0+1 the expression is empty`, "leave the key out"},
		{`request.methd == "GET"`, `8+5 unknown name request.methd; did you mean method?`, ""},
		{`"é" == "日本" and request.pth == "x"`, `24+3 unknown name request.pth; did you mean path?`, ""},
		{"true and\n  reqest.path == \"x\"", `11+6 unknown name reqest; did you mean request?`, ""},
		{`request.Method == "GET"`, `8+6 unknown name request.Method; did you mean method?`, ""},
		{`method == "GET"`, `0+6 unknown name method; did you mean request.method?`, ""},
		{`request.zzz == ""`, `8+3 unknown name request.zzz`, "known here: request.method"},
		{`response.status == 500`, `0+8 unknown name response`, "refresh.on, retry.rules[].match, error-map.rules[].match or validate.rules"},
		{`error.kind == ""`, `0+5 unknown name error`, "before anything is sent"},
		{`body.x == 1`, `0+4 unknown name body`, "only validate.rules"},
		{`$env["request"] == nil`, `0+4 unknown name $env`, ""},
		{`lowr(request.path) == ""`, `0+4 unknown name lowr; did you mean lower?`, ""},
		{`request.header("authorization") != ""`, `15+15 request.header("authorization") is never visible`, "never see credentials"},
		{`request.header("COOKIE") != ""`, `15+8 request.header("COOKIE") is never visible`, "never see credentials"},
		{`request.query("access_token") != ""`, `14+14 request.query("access_token") is never visible`, "never see credentials"},
		{`request.method`, `0+14 the expression gives text, not true or false`, "compare"},
		{`call.attempt`, `0+12 the expression gives a number, not true or false`, ""},
		{`request`, `0+7 request is no value by itself`, "name one of its fields: request.method"},
		{`request.header == ""`, `8+6 request.header is a function`, `request.header("…")`},
		{`len == 1`, `0+3 len is a function`, "len(…)"},
		{`request.method("x") == ""`, `8+6 this is no function`, ""},
		{`request[call.subject] == ""`, `7+1 the fields of request are written out, not computed`, "request.method"},
		{`request.method == 5`, `15+2 == cannot be used on text and a number`, ""},
		{`call.elapsed > 5`, `13+1 > cannot be used on a duration and a number`, ""},
		{`call.elapsed > duration("5 s")`, `24+5 "5 s" is no duration`, "1m30s"},
		{`request.path and true`, `13+3 and needs true or false on both sides, not text and true or false`, ""},
		{`not request.path`, `0+3 not cannot be used on text`, ""},
		{`call.attempt in ["GET"]`, `13+2 in cannot find a number among text`, ""},
		{`request.header() == ""`, `8+6 header has too few arguments`, ""},
		{`request.header("a", "b") == ""`, `8+6 header has too many arguments`, ""},
		{`request.header(5) == ""`, `15+1 header needs text here, not a number`, ""},
		{`len(5) > 1`, `0+3 len cannot be used on a number`, ""},
		{`request.path.foo == ""`, `13+3 text has no foo`, ""},
		{`request.method = "GET"`, `15+1 unexpected "="`, "compare with =="},
		{`true & false`, `5+1 unexpected "&"`, "write and"},
		{`request.method ==`, `17+1 the expression ends too early`, ""},
		{`(true`, `5+1 the expression ends too early`, ""},
		{`true)`, `4+1 unexpected ")"`, ""},
		{`request.method == "GET`, `22+1 the quoted text has no end`, ""},
		{`request.method @ 2`, `15+1 unexpected character '@'`, ""},
		{`all([1], # > 1)`, `0+3 all is not available in expressions`, "no loops"},
		{`count([1])`, `0+5 count is not available in expressions`, "no loops"},
		{`let x = 1; x == 1`, `4+1 variables (let) are not available in expressions`, ""},
		{`true; true`, `0+4 more than one expression`, ""},
		{`now() > 1`, `0+3 now is not available in expressions`, "clock"},
		{`repeat("x", 5) == ""`, `0+6 repeat is not available in expressions`, "grow"},
		{`1..5 == [1]`, `1+2 a range stands only behind in`, ""},
		{`call.attempt in 0..1000000000`, `17+2 a range rises, by 1000 at most`, ""},
		{`call.attempt in 1..call.sends`, `17+2 a range goes from one whole number to another, both written out`, ""},
		{`request.path matches call.subject`, `26+7 the pattern of matches must be written out`, ""},
		{`request.path matches "("`, "21+3 invalid pattern: missing closing ): `(`", ""},
		{`request.path matches "(?=x)"`, "21+7 invalid pattern: invalid or unsupported Perl syntax: `(?=`", "look-around"},
		{`request.path matches "a{1000}b{1000}"`, `21+16 the pattern is too complex`, ""},
		{`1 % 0 == 0`, `2+1 division by zero`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			_, err := cond.ParseBool[cond.RequestEnv](tt.text)
			if got := describe(t, err); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if e := err.(*cond.Error); !strings.Contains(e.Hint(), tt.hint) {
				t.Errorf("got hint %q, want it to hold %q", e.Hint(), tt.hint)
			}
		})
	}
}

// TestHostile: a hostile text is refused or answered at once.
func TestHostile(t *testing.T) {
	tests := map[string]string{
		"many nodes":        strings.Repeat("1+", 1000) + "1 == 0",
		"deep parentheses":  strings.Repeat("(", 2000) + "true" + strings.Repeat(")", 2000),
		"deep negation":     strings.Repeat("!", 4000) + "true",
		"too long":          strings.Repeat(" ", 5000) + "true",
		"invalid UTF-8":     "\"\xff\" == \"\"",
		"long pattern":      `request.path matches "` + strings.Repeat("a", 300) + `"`,
		"many patterns":     strings.Repeat(`request.path matches "a{300}" or `, 20) + "true",
		"text growth":       `replace(replace(body.long, "", body.long), "", body.long) == ""`,
		"nested loops":      `all(1..1000000, all(1..1000000, # > 0))`,
		"range in a value":  `len(1..100000000) > 0`,
		"computed pattern":  `body.long matches ("(a" + "*)*")`,
		"variable doubling": `let a = body.long + body.long; let b = a + a; len(b) > 1`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			c, err := cond.ParseBool[cond.BodyEnv](text)
			if err == nil {
				_, err = c.Eval(exampleEnv())
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v", took)
			}
			if err == nil && name != "deep parentheses" {
				t.Error("got no error")
			}
		})
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`request.method != "GET"`, `"é" in ["日"] and body.items[0]?.id == "a"`, `request.path matches "^/[a-z]{2,3}$"`,
		`response.status in 500..599 ? true : call.elapsed.Seconds() > 1.5`, `request.header("Authorization")`, `all([1], {# > 1})`,
		`{"a": [1, nil]}.a[0:1] | len() == 1`, `let x = 1; x`, `1..2`, `-1 ** 2 % 3 == 1 ?? false`, `if true { 1 } else { 2 }`} {
		f.Add(s)
	}
	env := exampleEnv()
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		defer func() {
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		}()
		check := func(err error) {
			if err == nil {
				return
			}
			e, ok := err.(*cond.Error)
			if !ok {
				t.Fatalf("got %T", err)
			}
			if e.Offset() < 0 || e.Offset() > len([]rune(text)) || e.Error() == "" {
				t.Errorf("got offset %d, %q", e.Offset(), e)
			}
			for _, leak := range []string{"cond.", "interface {}", "map[", "reflect", "runtime error", "acme"} {
				if strings.Contains(e.Error(), leak) && !strings.Contains(text, leak) {
					t.Errorf("%q leaks %q", e, leak)
				}
			}
		}
		if c, err := cond.ParseBool[cond.BodyEnv](text); err != nil {
			check(err)
		} else {
			_, err := c.Eval(env)
			check(err)
		}
		if c, err := cond.ParseText[cond.BodyEnv](text); err != nil {
			check(err)
		} else {
			s, err := c.Eval(env)
			check(err)
			if len(s) > 256*32<<10 {
				t.Errorf("made %d bytes", len(s))
			}
		}
	})
}
