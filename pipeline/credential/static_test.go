package credential

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/leatdev/leat/pipeline/redact"
)

func TestBuiltIn(t *testing.T) {
	var types []string
	for _, f := range BuiltIn() {
		types = append(types, f.Type())
	}
	if diff := cmp.Diff([]string{"bearer", "command", "basic", "api-key", "login", "oauth2"}, types); diff != "" {
		t.Error(diff)
	}
}

func TestStatic_gives_token_and_placement(t *testing.T) {
	for _, tc := range []struct {
		name   string
		typ    string
		config func(any)
		access string
		place  Placement
		life   time.Duration
	}{
		{"bearer", "bearer", func(c any) { c.(*BearerConfig).Token = Env("TOKEN") },
			canary, Placement{Header: "Authorization", Prefix: "Bearer "}, 0},
		{"bearer_elsewhere", "bearer", func(c any) {
			*c.(*BearerConfig) = BearerConfig{Token: Env("TOKEN"), Header: "x-token", Lifetime: time.Minute}
		}, canary, Placement{Header: "X-Token"}, time.Minute},
		{"basic", "basic", func(c any) {
			*c.(*BasicConfig) = BasicConfig{User: Text{Literal: "Aladdin"}, Password: Env("SESAME")}
		}, "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", Placement{Header: "Authorization", Prefix: "Basic "}, 0}, // RFC 7617 §2
		{"basic_utf8_and_colon_in_password", "basic", func(c any) {
			*c.(*BasicConfig) = BasicConfig{User: Text{Ref: Env("USER_NAME")}, Password: Env("POUND")}
		}, base64.StdEncoding.EncodeToString([]byte("jürgen:12:3£")), Placement{Header: "Authorization", Prefix: "Basic "}, 0},
		{"api_key_header", "api-key", func(c any) {
			*c.(*APIKeyConfig) = APIKeyConfig{Key: Env("TOKEN"), Header: "x-api-key", Prefix: "Token "}
		}, canary, Placement{Header: "X-Api-Key", Prefix: "Token "}, 0},
		{"api_key_query", "api-key", func(c any) {
			*c.(*APIKeyConfig) = APIKeyConfig{Key: Env("TOKEN"), Query: "api_key"}
		}, canary, Placement{Query: "api_key"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := factoryOf(t, tc.typ)
			config := f.Config()
			tc.config(config)
			secrets := secretsWith(map[string]string{"TOKEN": canary, "SESAME": "open sesame", "POUND": "12:3£", "USER_NAME": "jürgen"})
			source, place, err := f.Build(config, Settings{Secrets: secrets})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.place, place); diff != "" {
				t.Error(diff)
			}
			for name, get := range map[string]func() (Token, error){
				"Obtain":  func() (Token, error) { return source.Obtain(t.Context()) },
				"Refresh": func() (Token, error) { return source.Refresh(t.Context(), Token{}) },
			} {
				got, err := get()
				if err != nil || got.Access.Reveal() != tc.access || got.Lifetime != tc.life || !got.Refresh.IsZero() {
					t.Errorf("%s: got %q for %v, %v, want %q for %v", name, got.Access.Reveal(), got.Lifetime, err, tc.access, tc.life)
				}
				checkHidden(t, got)
			}
			checkHidden(t, source, config, place)
		})
	}
}

func TestStatic_reads_again(t *testing.T) {
	f := factoryOf(t, "bearer")
	config := f.Config()
	config.(*BearerConfig).Token = Env("CRED_TEST_TOKEN")
	source, _, err := f.Build(config, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		t.Setenv("CRED_TEST_TOKEN", want)
		if got, err := source.Obtain(t.Context()); err != nil || got.Access.Reveal() != want {
			t.Errorf("got %q, %v, want %q", got.Access.Reveal(), err, want)
		}
	}
}

func TestStatic_failures_to_read(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config any
		want   string
	}{
		{"bearer_unset", &BearerConfig{Token: Env("CRED_TEST_UNSET"), Header: "Authorization"}, "read: env CRED_TEST_UNSET is not set: set it"},
		{"bearer_line_break", &BearerConfig{Token: Env("BROKEN"), Header: "Authorization"}, "read: env BROKEN holds a line break"},
		{"api_key_line_break", &APIKeyConfig{Key: Env("BROKEN"), Header: "X-Key"}, "read: env BROKEN holds a line break"},
		{"basic_line_break", &BasicConfig{Password: Env("BROKEN")}, "read: env BROKEN must not hold a line break"},
		{"basic_not_utf8", &BasicConfig{Password: Env("LATIN")}, "read: env LATIN must be UTF-8"},
		{"basic_user_with_colon", &BasicConfig{User: Text{Ref: Env("COLON")}, Password: Env("COLON")}, "read: user must not hold a colon"},
		{"basic_user_unset", &BasicConfig{User: Text{Ref: Env("CRED_TEST_UNSET")}, Password: Env("COLON")}, "read: env CRED_TEST_UNSET"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			typ := "basic"
			switch tc.config.(type) {
			case *BearerConfig:
				typ = "bearer"
			case *APIKeyConfig:
				typ = "api-key"
			}
			secrets := secretsWith(map[string]string{"BROKEN": canary + "\nX: y", "LATIN": canary + "\xff", "COLON": "a:" + canary})
			source, _, err := factoryOf(t, typ).Build(tc.config, Settings{Secrets: secrets})
			if err != nil {
				t.Fatal(err)
			}
			_, err = source.Obtain(t.Context())
			var f *Failure
			if !errors.As(err, &f) || !f.NotSent || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want a failure %q", err, tc.want)
			}
			checkHidden(t, err)
		})
	}
}

func TestBasic_tells_the_encoded_pair(t *testing.T) {
	var told []string
	secrets := NewSecrets("", nil, byName(map[string]string{"P": "pw"}), func(s redact.Secret) { told = append(told, s.Reveal()) })
	if _, err := (BasicConfig{User: Text{Literal: "u"}, Password: Env("P")}).read(t.Context(), secrets); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"pw", "dTpwdw=="}, told); diff != "" {
		t.Error(diff)
	}
}

func TestStatic_Validate(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config interface{ Validate() error }
		path   string
	}{
		{"bearer_no_token", BearerConfig{Header: "Authorization"}, "token"},
		{"bearer_header", BearerConfig{Token: Env("T"), Header: "X Token"}, "header"},
		{"bearer_no_header", BearerConfig{Token: Env("T")}, "header"},
		{"bearer_prefix", BearerConfig{Token: Env("T"), Header: "X", Prefix: "a\n"}, "prefix"},
		{"bearer_lifetime", BearerConfig{Token: Env("T"), Header: "X", Lifetime: -1}, "lifetime"},
		{"basic_no_password", BasicConfig{}, "password"},
		{"basic_colon", BasicConfig{User: Text{Literal: "a:b"}, Password: Env("P")}, "user"},
		{"api_key_none", APIKeyConfig{Header: "X"}, "key"},
		{"api_key_nowhere", APIKeyConfig{Key: Env("K")}, ""},
		{"api_key_twice", APIKeyConfig{Key: Env("K"), Header: "X", Query: "x"}, "query"},
		{"api_key_query_prefix", APIKeyConfig{Key: Env("K"), Query: "x", Prefix: "T "}, "prefix"},
		{"api_key_query_name", APIKeyConfig{Key: Env("K"), Query: "a b"}, "query"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.config.Validate()
			var at interface{ ConfigPath() string }
			if !errors.As(err, &at) || at.ConfigPath() != tc.path {
				t.Errorf("got %v, want an error at %q", err, tc.path)
			}
		})
	}
}
