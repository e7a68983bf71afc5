package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRef_UnmarshalConfig(t *testing.T) {
	for _, tc := range []struct {
		name  string
		value any
		want  string
		path  string // of the error
	}{
		{"env", map[string]any{"env": "DEMO_PASSWORD"}, "env DEMO_PASSWORD", ""},
		{"file", map[string]any{"file": "/run/token"}, "file /run/token", ""},
		{"cmd_shows_the_program_alone", map[string]any{"cmd": []any{"op", "read", canary}}, "cmd op", ""},
		{"secret", map[string]any{"secret": "db"}, "secret db", ""},
		{"literal", canary, "", ""},
		{"empty_literal", "", "", ""},
		{"number", int64(7), "", ""},
		{"nothing", nil, "", ""},
		{"no_key", map[string]any{}, "", ""},
		{"two_keys", map[string]any{"env": "A", "file": "b"}, "", ""},
		{"unknown_key", map[string]any{"value": canary}, "", "value"},
		{"empty_env", map[string]any{"env": ""}, "", "env"},
		{"env_with_value", map[string]any{"env": "A=" + canary}, "", "env"},
		{"env_list", map[string]any{"env": []any{"A"}}, "", "env"},
		{"cmd_string", map[string]any{"cmd": "op read " + canary}, "", "cmd"},
		{"cmd_empty", map[string]any{"cmd": []any{}}, "", "cmd"},
		{"cmd_no_program", map[string]any{"cmd": []any{"", "x"}}, "", "cmd"},
		{"cmd_number", map[string]any{"cmd": []any{"op", int64(1)}}, "", "cmd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r Ref
			err := r.UnmarshalConfig(tc.value)
			if tc.want != "" {
				if err != nil || r.String() != tc.want {
					t.Fatalf("got %q, %v, want %q", r, err, tc.want)
				}
				checkHidden(t, r)
				return
			}
			if err == nil || !r.IsZero() {
				t.Fatalf("got %v, %v, want an error and no reference", r, err)
			}
			checkHidden(t, err)
			var at interface {
				ConfigPath() string
				Hint() string
			}
			if !errors.As(err, &at) || at.ConfigPath() != tc.path || !strings.Contains(at.Hint(), `{ env = "NAME" }`) {
				t.Errorf("error %v: path and hint are %v, want path %q and the forms", err, at, tc.path)
			}
		})
	}
}

// Whatever the file holds, decoding either gives exactly the reference that was written or an error without it.
func TestRef_decodes_what_was_written(t *testing.T) {
	name := rapid.StringMatching(`[A-Za-z0-9_./ -]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(
			rapid.Map(name, func(s string) any { return s }),
			rapid.Map(rapid.Int64(), func(n int64) any { return n }),
			rapid.Map(rapid.MapOf(rapid.OneOf(rapid.SampledFrom(refForms[:]), name), rapid.OneOf(
				rapid.Map(name, func(s string) any { return s }),
				rapid.Map(rapid.SliceOfN(name, 0, 3), func(list []string) any {
					out := make([]any, len(list))
					for i, s := range list {
						out[i] = s
					}
					return out
				}),
			)), func(m map[string]any) any { return m }),
		).Draw(t, "value")
		var r Ref
		err := r.UnmarshalConfig(value)
		table, _ := value.(map[string]any)
		if (err == nil) == r.IsZero() {
			t.Fatalf("error %v and reference %v", err, r)
		}
		if err != nil {
			return
		}
		if len(table) != 1 {
			t.Fatalf("a reference from %d keys", len(table))
		}
		for form, v := range table {
			want := fmt.Sprint(form, " ", v)
			if list, ok := v.([]any); ok {
				want = fmt.Sprint(form, " ", list[0])
			}
			if r.String() != want {
				t.Fatalf("got %q, want %q", r, want)
			}
		}
	})
}

func TestText_UnmarshalConfig(t *testing.T) {
	var text Text
	if err := text.UnmarshalConfig("ada"); err != nil || text.Literal != "ada" || text.IsZero() {
		t.Errorf("got %v, %v", text, err)
	}
	if err := text.UnmarshalConfig(map[string]any{"env": "API_USER"}); err != nil || text.Ref.String() != "env API_USER" || text.Literal != "" {
		t.Errorf("got %v, %v", text, err)
	}
	if err := text.UnmarshalConfig(int64(1)); err == nil {
		t.Error("a number was taken")
	}
}

func TestFields_UnmarshalConfig(t *testing.T) {
	var f Fields
	err := f.UnmarshalConfig(map[string]any{
		"user":     "ada",
		"password": map[string]any{"env": "DEMO_PASSWORD"},
		"device":   map[string]any{"id": int64(7), "keys": []any{map[string]any{"file": "k"}}},
		"env":      map[string]any{"env": map[string]any{"x": int64(1)}}, // no reference: its value does not fit
		"otp":      "",
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"device":{"id":7,"keys":["file k"]},"env":{"env":{"x":1}},"otp":"","password":"env DEMO_PASSWORD","user":"ada"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFields_UnmarshalConfig_refuses_literal_secrets(t *testing.T) {
	for path, value := range map[string]map[string]any{
		"password":         {"password": canary},
		"Client-Secret":    {"Client-Secret": canary},
		"user.passwd":      {"user": map[string]any{"passwd": canary}},
		"list[1].api_key":  {"list": []any{int64(1), map[string]any{"api_key": canary}}},
		`"a.b".passphrase`: {"a.b": map[string]any{"passphrase": canary}},
	} {
		var f Fields
		err := f.UnmarshalConfig(value)
		var at interface{ ConfigPath() string }
		if !errors.As(err, &at) || at.ConfigPath() != path {
			t.Errorf("got %v at %v, want an error at %s", err, at, path)
		}
		checkHidden(t, err)
	}
	var f Fields
	if err := f.UnmarshalConfig("x"); err == nil {
		t.Error("a string was taken for a table")
	}
}

func TestRef_SharedName(t *testing.T) {
	for want, r := range map[string]Ref{"db": Shared("db"), "": Env("db")} {
		if got := r.SharedName(); got != want {
			t.Errorf("%v: got %q, want %q", r, got, want)
		}
	}
}

// A diagnostic shows the line in which a mistake stands, unless it is told not to.
func TestConfigError_keeps_literals_out_of_diagnostics(t *testing.T) {
	var r Ref
	var f Fields
	var endpoint mistakes
	endpoint.endpoint("https://u:"+canary+"@id.example.com/", "")
	_, origin := ParseOrigin("https://u:" + canary + "@api.example.com")
	for name, err := range map[string]error{
		"ref":       r.UnmarshalConfig(canary),
		"field":     f.UnmarshalConfig(map[string]any{"password": canary}),
		"token_url": endpoint.join(),
		"origin":    origin,
	} {
		var hides interface{ Secret() bool }
		if !errors.As(err, &hides) || !hides.Secret() {
			t.Errorf("%s: %v may be shown with its line", name, err)
		}
	}
}

func TestValidate_tells_all_mistakes_at_once(t *testing.T) {
	for want, config := range map[int]interface{ Validate() error }{
		3: BearerConfig{Header: "a b", Lifetime: -1},
		4: OAuth2Config{Grant: "x", ClientAuth: "y"}, // beside the secret, which is then missing too
	} {
		joined, ok := config.Validate().(interface{ Unwrap() []error })
		if !ok || len(joined.Unwrap()) < want {
			t.Errorf("%T: got %v, want %d errors", config, config.Validate(), want)
		}
	}
}
