package demo_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/conformance/demo"
)

func TestLogin(t *testing.T) {
	t.Run("gives_tokens_that_open_the_api", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		wantStatus(t, c.do("GET", "/posts", ""), 200)
		equal(t, "logins", api.Stats().Logins, 1)
	})
	t.Run("a_wrong_password_is_a_401_problem", func(t *testing.T) {
		api := demo.New(demo.Options{})
		r := onLoopback(t, api).do("POST", "/login", `{"user":"ada","password":"byron"}`)
		wantStatus(t, r, 401)
		equal(t, "content type", r.header.Get("Content-Type"), "application/problem+json")
		equal(t, "failures", api.Stats().LoginFailures, 1)
		equal(t, "unauthorized", api.Stats().Unauthorized, 0)
	})
	t.Run("expires_in_is_seconds_with_a_fraction", func(t *testing.T) {
		c := onLoopback(t, demo.New(demo.Options{}))
		for query, want := range map[string]float64{"": 60, "?lifetime=300ms": 0.3, "?lifetime=90s": 90} {
			v := c.do("POST", "/login"+query, `{"user":"ada","password":"lovelace"}`).json(t)
			equal(t, "expires_in of "+query, v["expires_in"].(float64), want)
		}
		for _, query := range []string{"?lifetime=soon", "?lifetime=-1s", "?lifetime=0s", "?lifetime=5000h"} {
			wantStatus(t, c.do("POST", "/login"+query, `{"user":"ada","password":"lovelace"}`), 400)
		}
	})
	t.Run("user_and_password_are_options", func(t *testing.T) {
		c := onLoopback(t, demo.New(demo.Options{User: "grace", Password: "hopper"}))
		wantStatus(t, c.do("POST", "/login", `{"user":"ada","password":"lovelace"}`), 401)
		wantStatus(t, c.do("POST", "/login", `{"user":"grace","password":"hopper"}`), 200)
	})
	t.Run("bodies_are_limited_and_checked", func(t *testing.T) {
		c := onLoopback(t, demo.New(demo.Options{}))
		wantStatus(t, c.do("POST", "/login", "user=ada"), 400)
		wantStatus(t, c.do("POST", "/login", strings.Repeat(" ", 1<<20+1)), 413)
		wantStatus(t, c.form("/token", url.Values{"x": {strings.Repeat("y", 1<<20)}}), 413)
	})
}

func TestAccessToken(t *testing.T) {
	t.Run("a_request_without_one_is_challenged_without_an_error_code", func(t *testing.T) {
		api := demo.New(demo.Options{})
		r := onLoopback(t, api).do("GET", "/posts", "")
		wantStatus(t, r, 401)
		equal(t, "challenge", r.header.Get("WWW-Authenticate"), `Bearer realm="demo"`)
		equal(t, "unauthorized", api.Stats().Unauthorized, 1)
	})
	t.Run("a_wrong_one_is_invalid_token", func(t *testing.T) {
		c := onLoopback(t, demo.New(demo.Options{}))
		for _, value := range []string{"Bearer nonsense", "Basic YWRhOmxvdmVsYWNl", "Bearer "} {
			r := c.do("GET", "/flaky", "", "Authorization", value)
			wantStatus(t, r, 401)
			if !strings.Contains(r.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("challenge %q lacks invalid_token", r.header.Get("WWW-Authenticate"))
			}
		}
	})
	t.Run("dies_when_revoked_and_a_refresh_cures_it", func(t *testing.T) {
		for _, revoke := range []func(*demo.API, *caller){
			func(a *demo.API, _ *caller) { a.Revoke() },
			func(_ *demo.API, c *caller) { wantStatus(t, c.do("POST", "/revoke", ""), 204) },
			func(_ *demo.API, c *caller) { wantStatus(t, c.do("GET", "/revoke", ""), 204) },
		} {
			api := demo.New(demo.Options{})
			c := onLoopback(t, api)
			refresh := c.login("")
			revoke(api, c)
			wantStatus(t, c.do("GET", "/posts", ""), 401)
			c.use(c.refresh(refresh))
			wantStatus(t, c.do("GET", "/posts", ""), 200)
			equal(t, "revocations", api.Stats().Revocations, 1)
		}
	})
	t.Run("Expire_is_not_a_revocation", func(t *testing.T) {
		c, api := loggedIn(t, demo.Options{})
		api.Expire()
		wantStatus(t, c.do("GET", "/posts", ""), 401)
		equal(t, "revocations", api.Stats().Revocations, 0)
	})
	t.Run("expires_after_its_lifetime_and_a_refresh_keeps_that", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, stop := inMemory(t, demo.New(demo.Options{}))
			defer stop()
			refresh := c.login("?lifetime=300ms")
			for range 3 {
				time.Sleep(299 * time.Millisecond)
				wantStatus(t, c.do("GET", "/posts", ""), 200)
				time.Sleep(time.Millisecond)
				wantStatus(t, c.do("GET", "/posts", ""), 401)
				refresh = c.use(c.refresh(refresh))
			}
		})
	})
	t.Run("the_first_can_be_shorter_than_the_others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, stop := inMemory(t, demo.New(demo.Options{FirstLoginLifetime: time.Second}))
			defer stop()
			refresh := c.login("")
			time.Sleep(time.Second)
			wantStatus(t, c.do("GET", "/posts", ""), 401)
			c.use(c.refresh(refresh))
			time.Sleep(59 * time.Second)
			wantStatus(t, c.do("GET", "/posts", ""), 200)
		})
	})
}

func TestRefresh(t *testing.T) {
	t.Run("a_used_token_ends_its_whole_session_and_no_other", func(t *testing.T) {
		api := demo.New(demo.Options{})
		c, other := onLoopback(t, api), onLoopback(t, api)
		other.login("")
		first := c.login("")
		second := c.use(c.refresh(first))
		r := c.refresh(first)
		wantStatus(t, r, 400)
		equal(t, "error", r.json(t)["error"].(string), "invalid_grant")
		wantStatus(t, c.do("GET", "/posts", ""), 401)
		wantStatus(t, c.refresh(second), 400)
		wantStatus(t, other.do("GET", "/posts", ""), 200)
		s := api.Stats()
		equal(t, "refreshes", s.Refreshes, 1)
		equal(t, "reuses", s.RefreshReuses, 1)
		equal(t, "failures", s.RefreshFailures, 2)
	})
	t.Run("of_many_at_once_exactly_one_wins", func(t *testing.T) {
		api := demo.New(demo.Options{})
		c := onLoopback(t, api)
		token := c.login("")
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { _, _ = c.try(t.Context(), "POST", "/refresh", `{"refresh_token":"`+token+`"}`) })
		}
		wg.Wait()
		equal(t, "refreshes", api.Stats().Refreshes, 1)
		equal(t, "reuses", api.Stats().RefreshReuses, 1)
	})
	t.Run("an_unknown_or_missing_token_is_refused", func(t *testing.T) {
		c := onLoopback(t, demo.New(demo.Options{}))
		equal(t, "unknown", c.refresh("nonsense").json(t)["error"].(string), "invalid_grant")
		equal(t, "missing", c.refresh("").json(t)["error"].(string), "invalid_request")
	})
}

func TestTokenEndpoint(t *testing.T) {
	grant := url.Values{"grant_type": {"client_credentials"}}
	posted := func(secret string) url.Values {
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {demo.ClientID}, "client_secret": {secret}}
	}
	basic := func(id, secret string) []string {
		req := http.Request{Header: http.Header{}}
		req.SetBasicAuth(id, secret)
		return []string{"Authorization", req.Header.Get("Authorization")}
	}
	t.Run("client_credentials_by_basic_or_form", func(t *testing.T) {
		api := demo.New(demo.Options{})
		c := onLoopback(t, api)
		for _, r := range []reply{c.form("/token", grant, basic(demo.ClientID, demo.ClientSecret)...), c.form("/token", posted(demo.ClientSecret))} {
			wantStatus(t, r, 200)
			if refresh := c.use(r); refresh != "" {
				t.Error("a client_credentials grant must give no refresh token")
			}
			wantStatus(t, c.do("GET", "/posts", ""), 200)
		}
		equal(t, "grants", api.Stats().ClientGrants, 2)
	})
	t.Run("refuses_with_the_codes_of_rfc_6749", func(t *testing.T) {
		c := onLoopback(t, demo.New(demo.Options{}))
		auth := basic(demo.ClientID, demo.ClientSecret)
		for name, tt := range map[string]struct {
			r      reply
			status int
			code   string
		}{
			"no client":    {c.form("/token", grant), 401, "invalid_client"},
			"wrong secret": {c.form("/token", posted("x")), 401, "invalid_client"},
			"two ways":     {c.form("/token", posted(demo.ClientSecret), auth...), 400, "invalid_request"},
			"no grant":     {c.form("/token", nil, auth...), 400, "invalid_request"},
			"other grant":  {c.form("/token", url.Values{"grant_type": {"password"}}, auth...), 400, "unsupported_grant_type"},
			"bad refresh":  {c.form("/token", url.Values{"grant_type": {"refresh_token"}}, auth...), 400, "invalid_grant"},
		} {
			equal(t, name+" status", tt.r.status, tt.status)
			equal(t, name, tt.r.json(t)["error"].(string), tt.code)
		}
	})
	t.Run("refreshes_a_session_and_says_whole_seconds", func(t *testing.T) {
		api := demo.New(demo.Options{})
		c := onLoopback(t, api)
		token := c.login("?lifetime=300ms")
		r := c.form("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, basic(demo.ClientID, demo.ClientSecret)...)
		wantStatus(t, r, 200)
		equal(t, "expires_in", r.json(t)["expires_in"].(float64), 1)
		equal(t, "expires_in_ms", r.json(t)["expires_in_ms"].(float64), 300)
		equal(t, "refreshes", api.Stats().Refreshes, 1)
	})
}

func TestSeed(t *testing.T) {
	history := func(seed uint64) string {
		c := onLoopback(t, demo.New(demo.Options{Seed: seed}))
		refresh := c.login("")
		c.use(c.refresh(refresh))
		return c.access + refresh + string(c.do("GET", "/posts", "").body)
	}
	if first, second := history(7), history(7); first != second {
		t.Error("equal seeds gave different answers")
	}
	if history(7) == history(8) {
		t.Error("different seeds gave equal answers")
	}
}
