package vectors_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/leatdev/leat/stages/errormap"
)

type bodyIn struct {
	ContentType string  `json:"content_type"`
	Body        payload `json:"body"`
}

type bodyOut struct {
	Message     string `json:"message"`
	ProblemType string `json:"problem_type"`
}

func problemDetails() file {
	return table[bodyIn, bodyOut]{
		file: "problem-details.json",
		text: "What the body of an error answer says, in a line for people, and the type of problem details (RFC 9457); \"\" where it says nothing, or gives none. " +
			"A secret in it is not yet masked.",
		rules: []string{"error-map.message"},
		run: func(_ *testing.T, in bodyIn) bodyOut {
			message, typ := errormap.Message(in.ContentType, []byte(in.Body))
			return bodyOut{message, typ}
		},
		check: checkBody,
		cases: append(problems(), otherErrors()...),
	}
}

func problems() []sample[bodyIn, bodyOut] {
	var list []sample[bodyIn, bodyOut]
	add := func(name, body, message, typ string) {
		list = append(list, sample[bodyIn, bodyOut]{name, bodyIn{"application/problem+json", payload(body)}, &bodyOut{message, typ}})
	}
	const blank = "about:blank"
	// The first two are the examples of RFC 9457, §3.
	add("RFC 9457, out of credit", `{"type":"https://example.com/probs/out-of-credit","title":"You do not have enough credit.","detail":"Your current balance is 30, but that costs 50.",`+
		`"instance":"/account/12345/msgs/abc","balance":30,"accounts":["/account/12345","/account/67890"]}`,
		"You do not have enough credit: Your current balance is 30, but that costs 50.", "https://example.com/probs/out-of-credit")
	add("RFC 9457, validation", `{"type":"https://example.net/validation-error","title":"Your request is not valid.","errors":[{"detail":"must be a positive integer","pointer":"#/age"},`+
		`{"detail":"must be 'green', 'red' or 'blue'","pointer":"#/profile/color"}]}`,
		"Your request is not valid: #/age: must be a positive integer; #/profile/color: must be 'green', 'red' or 'blue'", "https://example.net/validation-error")
	add("no type", `{"title":"Not Found"}`, "Not Found", blank)
	add("detail alone", `{"detail":"gone for good"}`, "gone for good", blank)
	add("the title again at the beginning of detail", `{"title":"Bad","detail":"Bad request body"}`, "Bad request body", blank)
	add("detail is the title", `{"title":"Not Found","detail":"Not Found"}`, "Not Found", blank)
	add("the status member counts for nothing", `{"title":"Edit conflict","status":200}`, "Edit conflict", blank)
	add("members of the wrong type are ignored", `{"type":5,"title":["x"],"detail":"gone","status":"x","instance":{}}`, "gone", blank)
	add("null members are ignored", `{"type":null,"title":"Not Found","detail":null}`, "Not Found", blank)
	add("an empty type", `{"type":"","title":"Not Found"}`, "Not Found", blank)
	add("a relative type stays one", `{"type":"/problems/conflict","title":"Edit conflict"}`, "Edit conflict", "/problems/conflict")
	add("errors by field", `{"title":"Invalid.","errors":{"Name":["is empty"],"Age":["too low"]}}`, "Invalid: Age: too low; Name: is empty", blank)
	add("another shape", `{"error":"oops"}`, "oops", blank)
	add("nothing in it", `{}`, "", blank)
	add("no object", `["oops"]`, "oops", "")
	add("malformed problem details", `{"title":"x"`, "", "")
	list = append(list,
		sample[bodyIn, bodyOut]{"with a charset", bodyIn{"application/problem+json; charset=utf-8", `{"title":"Größe fehlt"}`}, &bodyOut{"Größe fehlt", blank}},
		sample[bodyIn, bodyOut]{"capitals in the content type", bodyIn{"Application/Problem+JSON", `{"title":"Not Found"}`}, &bodyOut{"Not Found", blank}},
		sample[bodyIn, bodyOut]{"as plain JSON it has no type", bodyIn{"application/json", `{"type":"https://example.com/x","title":"Not Found"}`}, &bodyOut{"Not Found", ""}},
	)
	return list
}

func otherErrors() []sample[bodyIn, bodyOut] {
	var list []sample[bodyIn, bodyOut]
	add := func(name, body, message string) {
		list = append(list, sample[bodyIn, bodyOut]{name, bodyIn{"application/json", payload(body)}, &bodyOut{Message: message}})
	}
	as := func(name, contentType, body, message string) {
		list = append(list, sample[bodyIn, bodyOut]{name, bodyIn{contentType, payload(body)}, &bodyOut{Message: message}})
	}
	add("error, a text", `{"error":"no such post"}`, "no such post")
	add("error, an object with a code", `{"error":{"code":"teapot","message":"short and stout"}}`, "short and stout (teapot)")
	add("error, an object with a number (Google)", `{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}`, "Requested entity was not found. (404)")
	add("error, a flag beside a message", `{"error":true,"message":"no"}`, "no")
	add("error, null beside a message", `{"error":null,"message":"no"}`, "no")
	add("error and error_description (OAuth)", `{"error":"invalid_grant","error_description":"the token has expired"}`, "invalid_grant: the token has expired")
	add("error and message", `{"statusCode":404,"error":"Not Found","message":"no such post"}`, "Not Found: no such post")
	add("message (GitHub)", `{"message":"Not Found","documentation_url":"https://docs.github.com/rest"}`, "Not Found")
	add("message in capitals (AWS)", `{"__type":"AccessDenied","Message":"denied"}`, "denied")
	add("message and errors (GitHub)", `{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}]}`, "Validation Failed: title: missing_field")
	add("message, nested once more", `{"message":{"error":"deep"}}`, "deep")
	add("errors as texts", `{"errors":["a","b"]}`, "a; b")
	add("errors as objects (JSON:API)", `{"errors":[{"status":"422","title":"Invalid Attribute","detail":"the title is too short"}]}`, "the title is too short")
	add("more errors than are shown", `{"errors":["a","b","c","d","e"]}`, "a; b; c; …")
	add("the same error twice", `{"errors":["a","a"]}`, "a")
	add("errors (GraphQL)", `{"data":null,"errors":[{"message":"no such field","path":["post"],"locations":[{"line":1,"column":2}]}]}`, "no such field")
	add("a list at the top (Salesforce)", `[{"message":"No such column","errorCode":"INVALID_FIELD"}]`, "No such column (INVALID_FIELD)")
	add("detail as a list (FastAPI)", `{"detail":[{"loc":["body","title"],"msg":"field required","type":"missing"}]}`, "field required")
	add("fault (Apigee)", `{"fault":{"faultstring":"quota exceeded","detail":{"errorcode":"policies.ratelimit"}}}`, "quota exceeded")
	add("title", `{"title":"nope"}`, "nope")
	add("error_message", `{"error_message":"nope"}`, "nope")
	add("a code alone", `{"code":"E17"}`, "E17")
	add("a text", `"nope"`, "nope")
	add("nothing to say", `{"ok":false,"n":3}`, "")
	add("a number", `17`, "")
	add("empty", ``, "")
	add("malformed", `{"error":"x"`, "")
	add("data behind it", `{"error":"x"} y`, "x")
	add("too deep", strings.Repeat(`{"error":`, 9)+`"x"`+strings.Repeat(`}`, 9), "")
	add("control characters", `{"error":"a\n\u001b[31mb\u0000\u202ec "}`, "a [31mb c")
	add("longer than 512 characters", `{"error":"`+strings.Repeat("ü", 600)+`"}`, strings.Repeat("ü", 510)+"…")
	add("a byte order mark", "\ufeff{\"error\":\"x\"}", "x")
	add("bytes that are no UTF-8", "{\"error\":\"a\xffb\"}", "a\ufffdb")
	as("Latin-1 that says so", "application/json; charset=ISO-8859-1", "{\"error\":\"gr\xfcn\"}", "grün")
	as("detail as JSON:API", "application/vnd.api+json", `{"errors":[{"detail":"nope"}]}`, "nope")
	as("text/json", "text/json", `{"error":"x"}`, "x")
	as("a parameter that is broken", "application/json; charset", `{"error":"x"}`, "x")
	as("html", "text/html", `{"error":"x"}`, "")
	as("plain text", "text/plain", `no such post`, "")
	as("no content type", "", `{"error":"x"}`, "")
	return list
}

func checkBody(in bodyIn, out bodyOut) string {
	for _, s := range []string{out.Message, out.ProblemType} {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 512 || strings.ContainsFunc(s, unicode.IsControl) || s != strings.TrimSpace(s) {
			return "unfit for people"
		}
	}
	switch kind := strings.ToLower(in.ContentType); {
	case !strings.Contains(kind, "json") && out != bodyOut{}:
		return "it is not JSON"
	case !strings.HasPrefix(kind, "application/problem+json") && out.ProblemType != "":
		return "it is no problem details"
	}
	return ""
}
