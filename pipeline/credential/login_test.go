package credential

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/leatdev/leat/pipeline/redact"
)

func buildLogin(t *testing.T, u *upstream, change func(*LoginConfig)) (Source, Placement) {
	t.Helper()
	f := factoryOf(t, "login")
	config := f.Config().(*LoginConfig)
	config.Login.Path = "/login"
	config.Login.Send = Fields{"user": "ada", "password": Env("DEMO_PASSWORD")}
	config.Refresh.Path = "/refresh"
	if change != nil {
		change(config)
	}
	source, place, err := f.Build(config, Settings{
		Name: "demo", Origins: mustOrigins(t, "https://api.example.com", "https://id.example.com", "https://*.corp.example"),
		Transport: u, Secrets: secretsWith(map[string]string{"DEMO_PASSWORD": canary, "OTP": "123"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	checkHidden(t, source, config)
	return source, place
}

func TestLogin_sends_and_reads(t *testing.T) {
	u := replying(200, `{"access_token":"A1","refresh_token":"R1","expires_in":300}`)
	source, place := buildLogin(t, u, nil)
	got, err := source.Obtain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Access.Reveal() != "A1" || got.Refresh.Reveal() != "R1" || got.Lifetime != 5*time.Minute {
		t.Errorf("got %q, %q, %v", got.Access.Reveal(), got.Refresh.Reveal(), got.Lifetime)
	}
	if diff := cmp.Diff(Placement{Header: "Authorization", Prefix: "Bearer "}, place); diff != "" {
		t.Error(diff)
	}
	if _, err = source.Refresh(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	want := []string{`{"password":"` + canary + `","user":"ada"}`, `{"refresh_token":"R1"}`}
	if diff := cmp.Diff(want, u.bodies); diff != "" {
		t.Error(diff)
	}
	for i, url := range []string{"https://api.example.com/login", "https://api.example.com/refresh"} {
		req := u.requests[i]
		wantHeader := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}}
		if diff := cmp.Diff(wantHeader, req.Header); diff != "" || req.Method != "POST" || req.URL.String() != url {
			t.Errorf("sent %s %s, want POST %s; headers %s", req.Method, req.URL, url, diff)
		}
	}
}

func TestLogin_other_shapes(t *testing.T) {
	u := replying(201, `{"data":[{"jwt":"A1"}],"meta":{"next":"R1","ttl":"60"}}`)
	source, place := buildLogin(t, u, func(c *LoginConfig) {
		c.Login = LoginRequest{Path: "https://id.example.com/v1/session?x=1", Method: "PUT", Access: "data.0.jwt", Refresh: "meta.next", ExpiresIn: "meta.ttl",
			Send: Fields{"auth": map[string]any{"secret": Env("DEMO_PASSWORD"), "n": int64(2)}, "list": []any{Env("OTP"), true}}}
		c.Refresh.Method, c.Refresh.TokenField, c.Refresh.Send = "PATCH", "token", Fields{"client": "web", "token": "replaced"}
		c.Header, c.Prefix = "x-session", ""
	})
	got, err := source.Obtain(t.Context())
	if err != nil || got.Access.Reveal() != "A1" || got.Refresh.Reveal() != "R1" || got.Lifetime != time.Minute {
		t.Errorf("got %q, %q, %v, %v", got.Access.Reveal(), got.Refresh.Reveal(), got.Lifetime, err)
	}
	if got, err = source.Refresh(t.Context(), got); err != nil || got.Access.Reveal() != "A1" {
		t.Errorf("refresh: got %q, %v; its paths are login's by default", got.Access.Reveal(), err)
	}
	if place.Header != "X-Session" || place.Prefix != "" {
		t.Errorf("placed at %+v", place)
	}
	want := []string{`{"auth":{"n":2,"secret":"` + canary + `"},"list":["123",true]}`, `{"client":"web","token":"R1"}`}
	if diff := cmp.Diff(want, u.bodies); diff != "" {
		t.Error(diff)
	}
	if m := u.requests[0].Method + u.requests[1].Method; m != "PUTPATCH" {
		t.Errorf("methods %s", m)
	}
}

func TestLogin_without_a_stored_login(t *testing.T) {
	for name, send := range map[string]Fields{
		"nothing":        nil,
		"literals_only":  {"user": "ada"},
		"an_empty_field": {"user": "", "password": Env("DEMO_PASSWORD")},
	} {
		t.Run(name, func(t *testing.T) {
			u := replying(200, `{"access_token":"A1"}`)
			source, _ := buildLogin(t, u, func(c *LoginConfig) { c.Login.Send = send })
			if _, err := source.Obtain(t.Context()); !errors.Is(err, ErrLoginRequired) {
				t.Errorf("got %v, want ErrLoginRequired", err)
			}
			if len(u.requests) != 0 {
				t.Errorf("%d requests were sent", len(u.requests))
			}
		})
	}
}

func TestLogin_Login(t *testing.T) {
	u := replying(200, `{"access_token":"A1"}`)
	source, _ := buildLogin(t, u, func(c *LoginConfig) {
		c.Login.Send = Fields{"user": "", "password": Env("NOT_SET_AND_NOT_READ"), "app": "web"}
	})
	loginer := source.(Loginer)
	_, err := loginer.Login(t.Context(), reveal(map[string]string{"password": canary}))
	if !errors.Is(err, ErrLoginRequired) || !strings.Contains(err.Error(), `"user"`) {
		t.Errorf("got %v, want the missing field", err)
	}
	if _, err = loginer.Login(t.Context(), reveal(map[string]string{"user": "bob", "password": canary, "otp": "1"})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`{"app":"web","otp":"1","password":"` + canary + `","user":"bob"}`}, u.bodies); diff != "" {
		t.Error(diff)
	}
	checkHidden(t, source)
	u.answer = failing(foreign{"no luck with " + canary}).answer
	_, err = loginer.Login(t.Context(), reveal(map[string]string{"user": "bob", "password": canary}))
	if err == nil {
		t.Error("want an error")
	}
	checkHidden(t, err)
}

func TestLogin_refresh_token_without_endpoint_is_dropped(t *testing.T) {
	u := replying(200, `{"access_token":"A1","refresh_token":"R1"}`)
	source, _ := buildLogin(t, u, func(c *LoginConfig) { c.Refresh.Path = "" })
	got, err := source.Obtain(t.Context())
	if err != nil || !got.Refresh.IsZero() {
		t.Errorf("got %q, %v, want no refresh token", got.Refresh.Reveal(), err)
	}
}

func TestLogin_failures(t *testing.T) {
	for _, tc := range tokenAnswers {
		t.Run(tc.name, func(t *testing.T) {
			source, _ := buildLogin(t, tc.answer, nil)
			_, err := source.Obtain(t.Context())
			text := tc.text
			if text == ": 403" || text == ": 401" {
				text += ": the server refuses the user or the password"
			}
			checkFailure(t, err, tc.want, "login", text)
			_, err = source.Refresh(t.Context(), Token{Refresh: redact.NewSecret(canary)})
			checkFailure(t, err, tc.want, "refresh", tc.text)
		})
	}
}

func TestLogin_unread_secret_sends_nothing(t *testing.T) {
	u := replying(200, `{}`)
	source, _ := buildLogin(t, u, func(c *LoginConfig) { c.Login.Send = Fields{"password": Env("CRED_TEST_UNSET")} })
	_, err := source.Obtain(t.Context())
	var f *Failure
	if !errors.As(err, &f) || f.Op != "read" || !f.NotSent || len(u.requests) != 0 {
		t.Errorf("got %v after %d requests", err, len(u.requests))
	}
}

func TestLogin_reads_every_body_to_its_end_and_closes_it(t *testing.T) {
	for _, status := range []int{200, 302, 400, 503} {
		resp := reply(status, `{"access_token":"A1"}`)
		source, _ := buildLogin(t, &upstream{answer: func(*http.Request) (*http.Response, error) { return resp, nil }}, nil)
		_, _ = source.Obtain(t.Context())
		if body := resp.Body.(*trackedBody); !body.ended || !body.closed {
			t.Errorf("%d: read to the end %v, closed %v", status, body.ended, body.closed)
		}
	}
}

func TestLogin_refuses_endpoints(t *testing.T) {
	for _, tc := range []struct{ name, path, origin, want string }{
		{"missing", "", "https://api.example.com", "login.path is missing"},
		{"no_slash", "login", "https://api.example.com", "begins with a slash"},
		{"other_host", "https://evil.example/login", "https://api.example.com", "none of the credential's origins"},
		{"other_scheme", "http://api.example.com/login", "https://api.example.com", "none of the credential's origins"},
		{"network_path", "//evil.example/login", "https://api.example.com", "begins with a slash"},
		{"user", "https://u:" + canary + "@api.example.com/login", "https://api.example.com", "user information"},
		{"star", "/login", "https://*.example.com", "without a star"},
		{"no_url", "https://[::1", "https://api.example.com", "not a path or URL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := factoryOf(t, "login")
			config := f.Config().(*LoginConfig)
			config.Login.Path = tc.path
			_, _, err := f.Build(config, Settings{Origins: mustOrigins(t, tc.origin), Transport: replying(200, "")})
			var at interface{ ConfigPath() string }
			if !errors.As(err, &at) || at.ConfigPath() != "login.path" || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q at login.path", err, tc.want)
			}
			checkHidden(t, err)
		})
	}
	for path, origin := range map[string]string{
		"demo:/login": "demo:", "/login": "demo:", "demo:other/login": "demo:other", "https://a.corp.example/x": "https://*.corp.example",
	} {
		if _, err := endpointURL(path, mustOrigins(t, origin)); err != nil {
			t.Errorf("%s at %s: %v", path, origin, err)
		}
	}
	if _, err := endpointURL("/login", nil); err == nil {
		t.Error("a credential without origins has an endpoint")
	}
}

func TestLoginConfig_Validate(t *testing.T) {
	for path, change := range map[string]func(*LoginConfig){
		"login.method":        func(c *LoginConfig) { c.Login.Method = "GET" },
		"login.access":        func(c *LoginConfig) { c.Login.Access = "" },
		"refresh.method":      func(c *LoginConfig) { c.Refresh.Method = "get" },
		"refresh.token_field": func(c *LoginConfig) { c.Refresh.TokenField = "" },
		"header":              func(c *LoginConfig) { c.Header = "" },
	} {
		config := factoryOf(t, "login").Config().(*LoginConfig)
		config.Login.Path, config.Refresh.Path = "/login", "/refresh"
		if err := config.Validate(); err != nil {
			t.Fatal(err)
		}
		change(config)
		var at interface{ ConfigPath() string }
		if err := config.Validate(); !errors.As(err, &at) || at.ConfigPath() != path {
			t.Errorf("got %v, want an error at %s", err, path)
		}
	}
}

func TestLogin_takes_a_secret_that_a_program_gives(t *testing.T) {
	u := replying(200, `{"access_token":"A1"}`)
	source, _ := buildLogin(t, u, func(c *LoginConfig) {
		c.Refresh.Path, c.Login.Send = "", Fields{"password": redact.NewSecret(canary)}
	})
	if _, err := source.Refresh(t.Context(), Token{}); err != nil { // without an endpoint: a login
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`{"password":"` + canary + `"}`}, u.bodies); diff != "" {
		t.Error(diff)
	}
}

func TestBuild_needs_a_transport(t *testing.T) {
	for _, config := range []any{
		&LoginConfig{Login: LoginRequest{Path: "/login", Method: "POST", Access: "a"}, Header: "X"},
		&OAuth2Config{Grant: "client_credentials", ClientAuth: "basic", ClientID: Text{Literal: "i"}, ClientSecret: Env("S"), TokenURL: "demo:/t"},
	} {
		typ := "login"
		if _, ok := config.(*OAuth2Config); ok {
			typ = "oauth2"
		}
		if _, _, err := factoryOf(t, typ).Build(config, Settings{Origins: mustOrigins(t, "demo:")}); !errors.Is(err, errNoTransport) {
			t.Errorf("%s: got %v, want errNoTransport", typ, err)
		}
	}
}
