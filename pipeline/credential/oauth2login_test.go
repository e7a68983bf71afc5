package credential

import (
	"errors"
	"net/url"
	"testing"
)

func TestOAuth2Login(t *testing.T) {
	public := func(c *OAuth2Config) { c.Grant, c.ClientAuth, c.ClientSecret = "refresh_token", "none", Ref{} }
	login := func(t *testing.T, u *upstream, change func(*OAuth2Config), fields map[string]string) (Token, error) {
		t.Helper()
		return buildOAuth2(t, u, change).(Loginer).Login(t.Context(), reveal(fields))
	}
	t.Run("exchanges_the_given_refresh_token_and_keeps_it", func(t *testing.T) {
		u := replying(200, `{"access_token":"A1","token_type":"bearer","expires_in":60}`)
		got, err := login(t, u, public, map[string]string{"refresh_token": "R5"})
		if err != nil || got.Access.Reveal() != "A1" || got.Refresh.Reveal() != "R5" {
			t.Fatalf("got %q and %q, %v", got.Access.Reveal(), got.Refresh.Reveal(), err)
		}
		if form, _ := url.ParseQuery(u.bodies[0]); form.Get("refresh_token") != "R5" {
			t.Errorf("sent %v", form)
		}
	})
	t.Run("takes_the_rotated_one", func(t *testing.T) {
		u := replying(200, `{"access_token":"A1","token_type":"bearer","refresh_token":"R6"}`)
		if got, err := login(t, u, public, map[string]string{"refresh_token": "R5"}); err != nil || got.Refresh.Reveal() != "R6" {
			t.Fatalf("got %q, %v", got.Refresh.Reveal(), err)
		}
	})
	t.Run("begins_with_the_configured_one", func(t *testing.T) {
		u := replying(200, `{"access_token":"A1","token_type":"bearer"}`)
		_, err := login(t, u, func(c *OAuth2Config) { public(c); c.RefreshToken = Env("FIRST") }, nil)
		if err != nil || len(u.bodies) != 1 {
			t.Fatalf("%v after %d requests", err, len(u.bodies))
		}
		if form, _ := url.ParseQuery(u.bodies[0]); form.Get("refresh_token") != "R0" {
			t.Errorf("sent %v", form)
		}
	})
	t.Run("needs_one", func(t *testing.T) {
		if _, err := login(t, replying(200, `{}`), public, nil); !errors.Is(err, ErrLoginRequired) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("says_that_it_was_refused", func(t *testing.T) {
		_, err := login(t, replying(400, `{"error":"invalid_grant"}`), public, map[string]string{"refresh_token": canary})
		if want := "refresh: 400 invalid_grant: the server refuses the given refresh token"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		checkHidden(t, err)
	})
	t.Run("is_not_for_a_client's_own_grant", func(t *testing.T) {
		u := replying(200, `{"access_token":"A1","token_type":"bearer"}`)
		if _, err := login(t, u, nil, nil); err == nil || len(u.bodies) != 0 {
			t.Errorf("got %v after %d requests", err, len(u.bodies))
		}
	})
	t.Run("takes_no_other_field", func(t *testing.T) {
		if _, err := login(t, replying(200, `{}`), public, map[string]string{"user": "ada"}); err == nil {
			t.Error("got no error")
		}
	})
}
