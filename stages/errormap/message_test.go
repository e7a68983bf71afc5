package errormap

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const (
	jsonBody    = "application/json"
	problemBody = "application/problem+json"
)

func TestMessage(t *testing.T) {
	for name, tt := range map[string]struct {
		contentType, body string
		message, typ      string
	}{
		"problem_details": {problemBody, `{"type":"https://e.x/conflict","title":"edit conflict","status":200,"detail":"version 3 is old","n":4}`,
			"edit conflict: version 3 is old", "https://e.x/conflict"},
		"problem_without_type":           {problemBody + "; charset=utf-8", `{"title":"Not Found"}`, "Not Found", "about:blank"},
		"problem_with_wrong_types":       {problemBody, `{"type":5,"title":["x"],"detail":"gone","status":"x"}`, "gone", "about:blank"},
		"problem_that_repeats_its_title": {problemBody, `{"title":"Bad","detail":"Bad request body"}`, "Bad request body", "about:blank"},
		"problem_with_errors_by_field":   {problemBody, `{"title":"Invalid.","errors":{"Name":["is empty"],"Age":["too low"]}}`, "Invalid: Age: too low; Name: is empty", "about:blank"},
		"problem_with_errors_by_pointer": {problemBody, `{"title":"Invalid","errors":[{"detail":"is empty","pointer":"#/name"}]}`, "Invalid: #/name: is empty", "about:blank"},
		"problem_of_another_shape":       {problemBody, `{"error":"oops"}`, "oops", "about:blank"},
		"problem_that_is_no_object":      {problemBody, `["oops"]`, "oops", ""},
		"error_text":                     {jsonBody, `{"error":"x"}`, "x", ""},
		"error_object":                   {jsonBody, `{"error":{"code":"teapot","message":"short and stout"}}`, "short and stout (teapot)", ""},
		"error_object_with_a_number":     {jsonBody, `{"error":{"code":404,"message":"no such thing","status":"NOT_FOUND"}}`, "no such thing (404)", ""},
		"error_flag_beside_a_message":    {jsonBody, `{"error":true,"message":"no"}`, "no", ""},
		"error_null":                     {jsonBody, `{"error":null,"message":"no"}`, "no", ""},
		"error_code_alone":               {jsonBody, `{"code":"E17"}`, "E17", ""},
		"message":                        {jsonBody, `{"message":"Not Found","documentation_url":"https://e.x"}`, "Not Found", ""},
		"message_in_capitals":            {jsonBody, `{"__type":"X","Message":"denied"}`, "denied", ""},
		"message_with_errors":            {jsonBody, `{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}]}`, "Validation Failed: title: missing_field", ""},
		"errors_as_texts":                {jsonBody, `{"errors":["a","b"]}`, "a; b", ""},
		"errors_as_objects":              {jsonBody, `{"errors":[{"title":"A","detail":"a is wrong"},{"message":"b"}]}`, "a is wrong; b", ""},
		"more_errors_than_are_shown":     {jsonBody, `{"errors":["a","b","c","d","e"]}`, "a; b; c; …", ""},
		"a_list_at_the_top":              {jsonBody, `[{"message":"no such column","errorCode":"INVALID_FIELD"}]`, "no such column (INVALID_FIELD)", ""},
		"oauth":                          {jsonBody, `{"error":"invalid_grant","error_description":"expired"}`, "invalid_grant: expired", ""},
		"detail":                         {"application/vnd.api+json", `{"detail":"nope"}`, "nope", ""},
		"detail_as_a_list":               {jsonBody, `{"detail":[{"loc":["body"],"msg":"required"}]}`, "required", ""},
		"title":                          {jsonBody, `{"title":"nope"}`, "nope", ""},
		"error_message":                  {jsonBody, `{"error_message":"nope"}`, "nope", ""},
		"fault":                          {jsonBody, `{"fault":{"faultstring":"quota"}}`, "quota", ""},
		"a_text":                         {jsonBody, `"nope"`, "nope", ""},
		"a_byte_order_mark":              {jsonBody, "\xef\xbb\xbf{\"error\":\"x\"}", "x", ""},
		"latin1":                         {"application/json; charset=ISO-8859-1", "{\"error\":\"gr\xfcn\"}", "grün", ""},
		"invalid_utf8":                   {jsonBody, "{\"error\":\"a\xffb\"}", "a\ufffdb", ""},
		"control_characters":             {jsonBody, `{"error":"a\n\u001b[31mb\u0000\u202ec "}`, "a [31mb c", ""},
		"a_bad_parameter":                {"application/json; charset", `{"error":"x"}`, "x", ""},
		"trailing_data":                  {jsonBody, `{"error":"x"} y`, "x", ""},
		"html":                           {"text/html", `{"error":"x"}`, "", ""},
		"no_content_type":                {"", `{"error":"x"}`, "", ""},
		"malformed":                      {jsonBody, `{"error":"x"`, "", ""},
		"malformed_problem":              {problemBody, `{`, "", ""},
		"nothing":                        {jsonBody, ``, "", ""},
		"nothing_to_say":                 {jsonBody, `{"ok":false,"n":3}`, "", ""},
		"deep":                           {jsonBody, strings.Repeat(`{"error":`, 9) + `"x"` + strings.Repeat(`}`, 9), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			message, typ := Message(tt.contentType, []byte(tt.body))
			if message != tt.message || typ != tt.typ {
				t.Errorf("got %q, %q\nwant %q, %q", message, typ, tt.message, tt.typ)
			}
		})
	}
}

func FuzzMessage(f *testing.F) {
	for _, body := range []string{
		`{"type":"https://e.x","title":"t","detail":"d","errors":{"a":["b"]}}`, `{"error":{"code":1,"message":"m"}}`, `[[["x"]]]`,
		`{"errors":[{"field":"f","errors":[{"message":"\u0000"}]}]}`, `{"fault":{"faultstring":"f"},"Error":"x","ERROR":"y"}`, "{\"error\":\"\xff\"}",
	} {
		f.Add(jsonBody, []byte(body))
		f.Add(problemBody+"; charset=latin1", []byte(body))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		message, typ := Message(contentType, body)
		for _, s := range []string{message, typ} {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxMessage || strings.ContainsFunc(s, unicode.IsControl) || s != strings.TrimSpace(s) {
				t.Errorf("unfit for people: %q", s)
			}
		}
		if again, _ := Message(contentType, body); again != message {
			t.Errorf("differs from run to run: %q, %q", message, again)
		}
		if !isJSON(contentType) && message+typ != "" {
			t.Errorf("read a body that is not JSON: %q", message)
		}
	})
}
