package pipeline_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
)

// needs reads needs as JSON has them.
func needs(t *testing.T, text string) pipeline.Needs {
	t.Helper()
	var n pipeline.Needs
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&n); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

const everything = `{"request": {"headers": ["*"], "query": true, "body": "full", "body_limit": "1GiB", "edit": ["*", ":method", ":url", ":body"],
	"call": ["subject", "operation", "labels", "idempotency_key"]},
	"response": {"headers": ["*"], "body": "full", "body_limit": "1GiB", "edit": ["*", ":status", ":body"]},
	"answer": true, "retry": true, "calls": true, "credentials": ["*"]}`

func TestNeeds_Within(t *testing.T) {
	for _, tc := range []struct{ name, a, b, want string }{
		{"nothing_within_everything", `{}`, everything, `{"request": {"body": "none", "body_limit": "1MiB"}}`},
		{"everything_within_nothing", everything, `{}`, `{"request": {"body": "none", "body_limit": "1MiB"}}`},
		{"everything_within_everything", everything, everything, everything},
		{"names", `{"request": {"headers": ["a", "b"]}}`, `{"request": {"headers": ["B", "c"]}}`, `{"request": {"headers": ["b"], "body": "none", "body_limit": "1MiB"}}`},
		{"all_and_a_name", `{"request": {"edit": ["*"]}}`, `{"request": {"edit": ["a"]}}`, `{"request": {"edit": ["a"], "body": "none", "body_limit": "1MiB"}}`},
		{"all_headers_are_no_method", `{"request": {"edit": ["*"]}}`, `{"request": {"edit": [":method", "a"]}}`, `{"request": {"edit": ["a"], "body": "none", "body_limit": "1MiB"}}`},
		{"all_and_a_name_of_both", `{"request": {"edit": ["*", "a"]}}`, `{"request": {"edit": ["a"]}}`, `{"request": {"edit": ["a"], "body": "none", "body_limit": "1MiB"}}`},
		{"all_and_a_credential", `{"request": {"headers": ["authorization", "a"]}}`, `{"request": {"headers": ["*"]}}`, `{"request": {"headers": ["a"], "body": "none", "body_limit": "1MiB"}}`},
		{"lesser_body", `{"request": {"body": "full"}}`, `{"request": {"body": "digest"}}`, `{"request": {"body": "digest", "body_limit": "1MiB"}}`},
		{"lesser_limit", `{"request": {"body": "full", "body_limit": "8KiB"}}`, `{"request": {"body": "full"}}`, `{"request": {"body": "full", "body_limit": "8KiB"}}`},
		{
			"response", `{"response": {"headers": ["a"], "body": "full", "body_limit": "2MiB", "edit": [":status", "*"]}, "retry": true}`,
			`{"response": {"headers": ["*"], "body": "full", "body_limit": "3MiB", "edit": [":status"]}, "answer": true}`,
			`{"request": {"body": "none", "body_limit": "1MiB"}, "response": {"headers": ["a"], "body": "full", "body_limit": "2MiB", "edit": [":status"]}}`,
		},
		{"no_response", `{"response": {}}`, `{}`, `{"request": {"body": "none", "body_limit": "1MiB"}}`},
		{"credentials", `{"credentials": ["*"]}`, `{"credentials": ["partner"]}`, `{"request": {"body": "none", "body_limit": "1MiB"}, "credentials": ["partner"]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b, want := needs(t, tc.a), needs(t, tc.b), needs(t, tc.want)
			if diff := cmp.Diff(want, a.Within(b)); diff != "" {
				t.Error(diff)
			}
			if more := a.Within(b).Beyond(b); more != nil {
				t.Error("what both allow is more than one allows:", more)
			}
			if more := a.Within(b).Beyond(a); more != nil {
				t.Error("what both allow is more than the other allows:", more)
			}
		})
	}
}

func TestNeeds_Beyond(t *testing.T) {
	for _, tc := range []struct {
		name, asked, allowed string
		want                 []string
	}{
		{"nothing", `{}`, `{}`, nil},
		{"everything_of_everything", everything, everything, nil},
		{"nothing_of_everything", `{}`, everything, nil},
		{"names_in_any_case", `{"request": {"headers": ["X-A"], "edit": ["x-b"]}}`, `{"request": {"headers": ["x-a"], "edit": ["X-B"]}}`, nil},
		{"names", `{"request": {"headers": ["a", "cookie"], "edit": ["x", ":url"]}}`, `{"request": {"headers": ["a"], "edit": ["*"]}}`, []string{`request.headers "cookie"`, `request.edit ":url"`}},
		{
			"all_holds_no_credential", `{"request": {"headers": ["authorization", "x-tenant"], "edit": ["cookie"]}, "response": {"headers": ["set-cookie"]}}`,
			`{"request": {"headers": ["*"], "edit": ["*"]}, "response": {"headers": ["*"]}}`,
			[]string{`request.headers "authorization"`, `request.edit "cookie"`, `response.headers "set-cookie"`},
		},
		{
			"all_but_who_calls", `{"request": {"edit": ["x-signature", "x-api-key", "Authorization"]}}`, `{"request": {"edit": ["*"]}}`, []string{`request.edit "Authorization"`},
		},
		{"all_of_some", `{"request": {"headers": ["*"]}}`, `{"request": {"headers": ["a"]}}`, []string{`request.headers "*"`}},
		{"body", `{"request": {"body": "full"}, "response": {"body": "digest"}}`, `{"request": {"body": "digest"}, "response": {}}`, []string{`request.body "full"`, `response.body "digest"`}},
		{"limit", `{"request": {"body": "full", "body_limit": "2MiB"}}`, `{"request": {"body": "full"}}`, []string{"request.body_limit 2MiB"}},
		{"limit_of_a_digest", `{"request": {"body": "digest", "body_limit": "2MiB"}}`, `{"request": {"body": "digest"}}`, nil},
		{"query_and_words", `{"request": {"query": true, "call": ["subject", "labels"]}}`, `{"request": {"call": ["labels"]}}`, []string{"request.query", `request.call "subject"`}},
		{
			"response", `{"response": {"headers": ["a"], "body": "full", "edit": [":status"]}}`, `{}`,
			[]string{"response", `response.headers "a"`, `response.body "full"`, `response.edit ":status"`},
		},
		{"flags", `{"answer": true, "retry": true, "calls": true, "credentials": ["a", "b"]}`, `{"credentials": ["b"]}`, []string{"answer", "retry", "calls", `credentials "a"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, needs(t, tc.asked).Beyond(needs(t, tc.allowed))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNeeds_Validate(t *testing.T) {
	for _, tc := range []struct {
		name, needs string
		want        []string // path: message
	}{
		{"nothing", `{}`, nil},
		{"everything", everything, nil},
		{"no_header", `{"request": {"headers": ["a", "b c"]}, "response": {"headers": [""]}}`, []string{`request.headers[1]: "b c" is no name of a header`, `response.headers[0]: "" is no name of a header`}},
		{"part_that_is_none", `{"request": {"edit": [":status"]}}`, []string{`request.edit[0]: ":status" is no name of a header`}},
		{"parts_are_not_read", `{"request": {"headers": [":url"]}}`, []string{`request.headers[0]: ":url" is no name of a header`}},
		{
			"framing", `{"request": {"edit": ["x", "Host", "transfer-encoding"]}, "response": {"edit": ["Content-Length"]}}`,
			[]string{
				"request.edit[1]: Host belongs to the connection: no stage of another process may change it",
				"request.edit[2]: transfer-encoding belongs to the connection: no stage of another process may change it",
				"response.edit[0]: Content-Length belongs to the connection: no stage of another process may change it",
			},
		},
		{"url_without_its_query", `{"request": {"edit": [":url"]}}`, []string{"request.edit: a stage that changes the URL must see its query, or it would lose it"}},
		{"word", `{"request": {"call": ["subject", "subjct"]}}`, []string{`request.call[1]: unknown word "subjct"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := needs(t, tc.needs)
			if diff := cmp.Diff(tc.want, leaves(n.Validate())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// leaves lists joined ConfigErrors as "path: message".
func leaves(err error) (all []string) {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			all = append(all, leaves(one)...)
		}
		return all
	}
	placed, ok := errors.AsType[*pipeline.ConfigError](err)
	if !ok {
		return []string{err.Error()}
	}
	return []string{placed.Path + ": " + placed.Message}
}

func TestNeeds_in_JSON_say_no_more_than_they_must(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"request":{"headers":["a"],"body":"digest"},"response":{},"retry":true}`, `{"request":{"body":"full","body_limit":"64KiB"}}`,
	} {
		got, err := json.Marshal(needs(t, text))
		if err != nil || string(got) != text {
			t.Errorf("got %s, want %s (%v)", got, text, err)
		}
	}
}

func TestBodyMode(t *testing.T) {
	for _, tc := range []struct{ text, message, hint string }{
		{"none", "", ""},
		{"digest", "", ""},
		{"full", "", ""},
		{"prefix", "body mode prefix is not supported yet", `write "full" with a body_limit, or "digest"`},
		{"stream", "body mode stream is not supported yet", `write "full" with a body_limit, or "digest"`},
		{"ful", `unknown body mode "ful"`, "did you mean full? one of none, digest, full"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			var m pipeline.BodyMode
			err := m.UnmarshalText([]byte(tc.text))
			if tc.message == "" {
				if err != nil || string(m) != tc.text {
					t.Error(m, err)
				}
				return
			}
			e, ok := errors.AsType[*pipeline.ConfigError](err)
			if !ok || e.Message != tc.message || e.Advice != tc.hint {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestNameSet(t *testing.T) {
	s := pipeline.NewNameSet([]string{"x-a", "*", "X-B", "x-a"})
	if !s.All() || s.Len() != 2 || !s.Named("X-A") || !s.Named("X-B") || s.Named("X-C") {
		t.Errorf("got %+v", s)
	}
	if empty := pipeline.NewNameSet(nil); empty.All() || empty.Len() != 0 || empty.Named("X-A") {
		t.Errorf("got %+v", empty)
	}
}

func TestDefaultNeeds_are_the_headers_of_the_request(t *testing.T) {
	n := pipeline.DefaultNeeds()
	if err := n.Validate(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(needs(t, `{"request": {"headers": ["*"], "edit": ["*"]}}`), n); diff != "" {
		t.Error(diff)
	}
}
