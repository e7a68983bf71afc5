package host

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/plugins/internal/wire"
)

func TestInterface_of_a_plugin_that_means_no_good(t *testing.T) {
	typ := func(t *wire.Type) *wire.DescribeResponse { return &wire.DescribeResponse{Types: []*wire.Type{t}} }
	for _, c := range []struct {
		name string
		d    *wire.DescribeResponse
		want string
	}{
		{"nothing", &wire.DescribeResponse{}, "it serves no types"},
		{"a_name_with_a_slash", typ(&wire.Type{Name: "a/b"}), `it serves a type "a/b"`},
		{"a_name_with_control_characters", typ(&wire.Type{Name: "a\x1b[2J"}), `it serves a type "a [2J"`},
		{"a_name_twice", &wire.DescribeResponse{Types: []*wire.Type{{Name: "a"}, {Name: "b"}, {Name: "a"}}}, "it serves two types a"},
		{"no_JSON", typ(&wire.Type{Name: "a", Schema: []byte("{")}), "the schema of its type a: it is no JSON"},
		{"no_schema", typ(&wire.Type{Name: "a", Schema: []byte(`{"type": 7}`)}), "the schema of its type a: "},
		{"a_schema_that_wants_a_file", typ(&wire.Type{Name: "a", Schema: []byte(`{"$ref": "file:///etc/passwd"}`)}), "a schema must hold all that it needs"},
		{"a_schema_without_end", typ(&wire.Type{Name: "a", Schema: []byte(strings.Repeat(" ", maxSchema+1))}), "more than 262144"},
		{"a_key_of_the_host", typ(&wire.Type{Name: "a", Schema: []byte(`{"properties": {"timeout": {}}}`)}), "it has a key timeout, which every stage of a plugin has for the host"},
		{"framing", typ(&wire.Type{Name: "a", Needs: &wire.Needs{Request: &wire.RequestNeeds{Edit: []string{"Host"}}}}), "the needs of its type a: Host belongs to the connection"},
		{"unknown_body_mode", typ(&wire.Type{Name: "a", Needs: &wire.Needs{Request: &wire.RequestNeeds{Body: 9}}}), "body mode 9 is not known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := interfaceFrom(c.d)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestInterface_shows_nothing_that_a_terminal_obeys(t *testing.T) {
	i := described(t, func(d *wire.DescribeResponse) {
		d.Name, d.Version, d.Types[0].Doc = "a\x1b[31mred\nline", "\u202e1.0\u009b", "\xff"+strings.Repeat("x", 1000)
	})
	typ, _ := i.Type("nothing")
	if got, want := i.Name+"|"+i.Version, "a [31mred line| 1.0 "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := typ.Doc, "?"+strings.Repeat("x", 299)+"…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInterface_Changes(t *testing.T) {
	request := func(d *wire.DescribeResponse) *wire.RequestNeeds { return d.Types[1].Needs.Request }
	for _, c := range []struct {
		name          string
		change        func(*wire.DescribeResponse)
		changes, more []string
	}{
		{name: "none"},
		{
			name: "version", change: func(d *wire.DescribeResponse) { d.Version = "1.1.0" },
			changes: []string{"version 1.1.0, was 1.0.0"},
		},
		{
			name: "no_version", change: func(d *wire.DescribeResponse) { d.Version = "" },
			changes: []string{"version none, was 1.0.0"},
		},
		{
			name: "more_needs",
			change: func(d *wire.DescribeResponse) {
				request(d).Headers = []string{"date", "cookie"}
				d.Types[1].Needs.Retry = true
			},
			changes: []string{`hmac asks for request.headers "cookie" too`, "hmac asks for retry too"},
			more:    []string{`hmac asks for request.headers "cookie" too`, "hmac asks for retry too"},
		},
		{
			name: "fewer_needs", change: func(d *wire.DescribeResponse) { request(d).Body = wire.BodyMode_NONE },
			changes: []string{`hmac asks for request.body "digest" no more`},
		},
		{
			name: "response", change: func(d *wire.DescribeResponse) { d.Types[1].Needs.Response = &wire.ResponseNeeds{} },
			changes: []string{"hmac asks for response too"}, more: []string{"hmac asks for response too"},
		},
		{
			name: "new_type", change: func(d *wire.DescribeResponse) { d.Types = append(d.Types, &wire.Type{Name: "ed25519"}) },
			changes: []string{"new type ed25519"},
		},
		{
			name: "type_gone", change: func(d *wire.DescribeResponse) { d.Types = d.Types[:1] },
			changes: []string{"type hmac is gone"},
		},
		{
			name: "keys", change: func(d *wire.DescribeResponse) {
				d.Types[1].Schema = []byte(`{"properties": {"key_env": {}, "rounds": {}, "parts": {}, "value": {}, "salt": {}}}`)
			},
			changes: []string{"hmac takes other keys: +salt, -algorithm"},
		},
		{
			name: "values", change: func(d *wire.DescribeResponse) {
				d.Types[1].Schema = []byte(strings.Replace(hmacSchema, "sha512", "sha3", 1))
			},
			changes: []string{"hmac takes the same keys with other values"},
		},
		{
			name: "only_the_order_of_the_schema", change: func(d *wire.DescribeResponse) {
				d.Types[1].Schema = []byte(strings.Replace(hmacSchema, `"type": "object", "additionalProperties": false,`, `"additionalProperties": false, "type": "object",`, 1))
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			old, fresh := described(t, nil), described(t, c.change)
			if diff := cmp.Diff(c.changes, fresh.Changes(old)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.more, fresh.More(old)); diff != "" {
				t.Error("more:", diff)
			}
		})
	}
}
