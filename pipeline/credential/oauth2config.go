package credential

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline/redact"
)

// OAuth2Config configures type "oauth2": tokens of an OAuth 2.0 server (RFC 6749) for a client's own account, from an assertion
// that it signs, or from a refresh token that somebody's consent once gave.
type OAuth2Config struct {
	// Grant is "client_credentials", "refresh_token" or "jwt_bearer" (RFC 7523). Default "client_credentials".
	Grant string `toml:"grant"`
	// TokenURL is the token endpoint, a whole URL; plain http only on this machine. Exactly one of token_url and issuer must be set.
	TokenURL string `toml:"token_url"`
	// Issuer is the server's issuer identifier, exactly as it writes that itself: the token endpoint is then found through its
	// metadata (OpenID Connect Discovery, RFC 8414), which are asked for once an hour at most.
	Issuer string `toml:"issuer"`
	// ClientID is the client's identifier, literal or by reference. Required, unless grant jwt_bearer goes without client authentication.
	ClientID Text `toml:"client_id"`
	// ClientSecret is the client's secret, by reference. Required where client_auth is "basic" or "post".
	ClientSecret Ref `toml:"client_secret"`
	// ClientAuth is how the client proves itself: "basic" in the Authorization header, "post" in the body, "private_key_jwt" by a
	// JWT that client_key signs (RFC 7523), "none" for a public client, and for grant jwt_bearer where neither this nor
	// client_secret is given. It is never probed. Default "basic".
	ClientAuth string `toml:"client_auth"`
	// ClientKey is the private key of private_key_jwt, by reference: PEM or a JWK. It is read again for each request. Default none.
	ClientKey Ref `toml:"client_key"`
	// ClientKeyID is the header kid of private_key_jwt. Default: what a JWK says, if anything.
	ClientKeyID string `toml:"client_key_id"`
	// ClientAssertionAudience is the claim aud of private_key_jwt. Default: the token endpoint, or the issuer where that is configured.
	ClientAssertionAudience string `toml:"client_assertion_audience"`
	// SigningAlg is the algorithm of private_key_jwt, such as "PS256". Default: by the key, "RS256", "ES256" and its like, or "EdDSA".
	SigningAlg string `toml:"signing_alg"`
	// Assertion is the JWT of grant jwt_bearer.
	Assertion AssertionConfig `toml:"assertion"`
	// Scopes are the permissions to ask for. Default: what the server gives by itself.
	Scopes []string `toml:"scopes"`
	// Audience is the parameter of that name, which some servers need. Default none.
	Audience string `toml:"audience"`
	// Params are further parameters of the token request: strings, lists of strings, references. Default none.
	Params Fields `toml:"params"`
	// RefreshToken is the first refresh token of grant refresh_token, by reference. Without it, `leat login` or the program gives one.
	RefreshToken Ref `toml:"refresh_token"`
}

// auth is ClientAuth with its default.
func (c OAuth2Config) auth() string {
	switch {
	case c.ClientAuth != "":
		return c.ClientAuth
	case c.Grant == "jwt_bearer" && c.ClientSecret.IsZero():
		return "none"
	}
	return "basic"
}

// registered are the names of grants and of client authentication in the registries of OAuth, which metadata use.
var registered = map[string]string{
	"client_credentials": "client_credentials", "refresh_token": "refresh_token", "jwt_bearer": jwtBearerGrant,
	"basic": "client_secret_basic", "post": "client_secret_post", "private_key_jwt": "private_key_jwt", "none": "none",
}

// Validate reports what is missing, contradictory or unsafe.
func (c OAuth2Config) Validate() error {
	var wrong mistakes
	auth, own := c.auth(), c.Grant == "client_credentials"
	byKey, bySecret := auth == "private_key_jwt", auth == "basic" || auth == "post"
	known := registered[c.Grant] != "" && (own || c.Grant == "refresh_token" || c.Grant == "jwt_bearer")
	wrong.add(!known, "grant", fmt.Sprintf("unknown grant %q", c.Grant), `write "client_credentials", "refresh_token" or "jwt_bearer"`)
	wrong.add(c.ClientID.IsZero() && (c.Grant != "jwt_bearer" || auth != "none"), "client_id", "client_id is missing", "")
	wrong.add(!byKey && !bySecret && auth != "none", "client_auth", fmt.Sprintf("unknown client_auth %q", auth), `write "basic", "post", "private_key_jwt" or "none"`)
	wrong.add(auth == "none" && own, "client_auth", "a public client has no client_credentials grant (RFC 6749 §4.4)", "")
	wrong.add(!bySecret && !c.ClientSecret.IsZero(), "client_secret", fmt.Sprintf("client_secret is not sent with client_auth = %q", auth), "remove one of them")
	wrong.add(bySecret && c.ClientSecret.IsZero(), "client_secret", "client_secret is missing", refHint)
	wrong.add(byKey && c.ClientKey.IsZero(), "client_key", "client_key is missing", refHint)
	for _, key := range []struct {
		path string
		set  bool
	}{
		{"client_key", !c.ClientKey.IsZero()}, {"client_key_id", c.ClientKeyID != ""},
		{"client_assertion_audience", c.ClientAssertionAudience != ""}, {"signing_alg", c.SigningAlg != ""},
	} {
		wrong.add(key.set && !byKey, key.path, key.path+` goes with client_auth = "private_key_jwt"`, "")
	}
	wrong.signingAlg("signing_alg", c.SigningAlg)
	if c.Grant == "jwt_bearer" {
		wrong.assertion(c.Assertion)
	} else {
		wrong.add(!c.Assertion.isZero(), "assertion", `assertion goes with grant = "jwt_bearer"`, "")
	}
	wrong.add(c.Grant != "refresh_token" && !c.RefreshToken.IsZero(), "refresh_token", `refresh_token goes with grant = "refresh_token"`, "")
	wrong.endpoint(c.TokenURL, c.Issuer)
	wrong.params(c)
	return wrong.join()
}

func (m *mistakes) endpoint(tokenURL, issuer string) {
	at := func(path, fault, hint string) {
		hidden := strings.ContainsAny(tokenURL+issuer, "@?") // a password, or a key
		m.append(&configError{path: path, text: path + " " + fault, hint: hint, secret: hidden})
	}
	switch {
	case tokenURL == "" && issuer == "":
		at("token_url", "is missing", "name the token endpoint, or the server by its issuer")
	case tokenURL != "" && issuer != "":
		at("issuer", "and token_url exclude each other", "keep one of them")
	case issuer != "":
		if fault := checkEndpoint(issuer); fault != "" {
			at("issuer", fault, "")
		} else if u, err := url.Parse(ExpandSymbol(issuer)); err != nil || u.RawQuery != "" || u.ForceQuery {
			at("issuer", "must hold no query (RFC 8414 §2)", "")
		}
	default:
		if fault := checkEndpoint(tokenURL); fault != "" {
			at("token_url", fault, "")
		}
	}
}

// checkEndpoint says what makes s unfit to send secrets to, "" if nothing does.
func checkEndpoint(s string) string {
	u, err := url.Parse(ExpandSymbol(s))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return "must be a whole URL, which begins with https://"
	}
	if u.User != nil || u.Fragment != "" {
		return "must hold neither user information nor fragment"
	}
	origin, err := ParseOrigin(u.Scheme + "://" + u.Host)
	if err != nil || origin.Wildcard() {
		return "must name one host, and a port of 1 to 65535 if any"
	}
	if u.Scheme == "http" && !origin.IsLoopback() {
		return "must be https: secrets are sent there"
	}
	return ""
}

// ownParams are the parameters that have keys of their own, or belong to the grant.
var ownParams = [...]string{"grant_type", "client_id", "client_secret", "scope", "audience", "refresh_token"}

func (m *mistakes) params(c OAuth2Config) {
	own := ownParams[:]
	if c.auth() == "private_key_jwt" {
		own = append(slices.Clip(own), "client_assertion", "client_assertion_type")
	}
	if c.Grant == "jwt_bearer" {
		own = append(slices.Clip(own), "assertion")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Params)) {
		path := "params." + quoteKey(name)
		m.add(slices.Contains(own, name), path, fmt.Sprintf("params must not set %q", name), "it has a key of its own")
		m.add(!fitsParam(c.Params[name]), path, fmt.Sprintf("parameter %q must be a string, a list of strings or a reference", name), "")
	}
}

func fitsParam(v any) bool {
	switch v := v.(type) {
	case string, Ref, []string, redact.Secret:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { _, ok := e.(string); return !ok })
	}
	return false
}
