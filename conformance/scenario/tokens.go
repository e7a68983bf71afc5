package scenario

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

// endpoint is where a credential of the file gets its tokens.
type endpoint struct {
	credential string
	origin     string
	login      string // path
	refresh    string // path; that of login for OAuth
	tokenField string // of a refresh request
	fields     [2]answerFields
	refreshes  bool
	marks      map[string]any // fields of its requests that tell it from others: literals, and references to secrets
	issuer     string         // whose metadata lead to it, "" if the file names it
}

// answerFields are the dotted paths of an answer.
type answerFields struct{ access, refresh, expires string }

// endpoints reads from the plan where tokens come from.
func endpoints(plan *pipeline.Plan) (list []endpoint) {
	for _, c := range plan.Credentials {
		text := func(def string, path ...string) string {
			if v, ok := c.Section.Value(path...); ok {
				if s, isText := v.(string); isText && s != "" {
					return s
				}
			}
			return def
		}
		switch c.Host.Type {
		case "oauth2":
			issuer := credential.ExpandSymbol(text("", "issuer"))
			at := credential.ExpandSymbol(text("", "token_url"))
			if issuer != "" {
				at = strings.TrimSuffix(issuer, "/") + "/token"
			}
			u, err := url.Parse(at)
			if err != nil {
				continue
			}
			f := answerFields{"access_token", "refresh_token", "expires_in"}
			all, _ := c.Section.Value()
			whole, _ := all.(map[string]any)
			list = append(list, endpoint{c.Name, originOf(u), u.Path, u.Path, "refresh_token", [2]answerFields{f, f}, text("", "grant") == "refresh_token", marks(whole), issuer})
		case "login":
			base, err := parseOrigin(c.Host.Origins[0])
			if err != nil {
				continue
			}
			first := answerFields{text("access_token", "login", "access"), text("refresh_token", "login", "refresh"), text("expires_in", "login", "expires_in")}
			later := answerFields{text(first.access, "refresh", "access"), text(first.refresh, "refresh", "refresh"), text(first.expires, "refresh", "expires_in")}
			login, refresh := text("", "login", "path"), text("", "refresh", "path")
			fields, _ := c.Section.Value("login", "send")
			sends, _ := fields.(map[string]any)
			list = append(list, endpoint{c.Name, resolve(base, &login), login, pathOf(refresh), text("refresh_token", "refresh", "token_field"),
				[2]answerFields{first, later}, refresh != "", sends, ""})
		}
	}
	return list
}

// resolve returns the origin of a path or whole URL, and makes a path of it.
func resolve(base string, ref *string) string {
	u, err := url.Parse(credential.ExpandSymbol(*ref))
	*ref = pathOf(*ref)
	if err != nil || u.Host == "" {
		return base
	}
	return originOf(u)
}

func pathOf(ref string) string {
	u, err := url.Parse(credential.ExpandSymbol(ref))
	if err != nil || ref == "" {
		return ref
	}
	return "/" + strings.TrimPrefix(u.Path, "/")
}

// issuer is a token endpoint: it gives out tokens, knows which are over, and ends a family whose refresh token is used twice.
type issuer struct {
	endpoint

	behaviour Tokens
	script    *script

	mu      sync.Mutex
	given   int
	access  map[string]*grant
	refresh map[string]*grant
}

// grant is one token.
type grant struct {
	family *family
	until  time.Time // zero: for ever
	over   bool
}

type family struct{ over bool }

func newIssuer(e endpoint, t Tokens, at place) *issuer {
	return &issuer{endpoint: e, behaviour: t, script: newScript(t.Answers, at.at("answers")), access: map[string]*grant{}, refresh: map[string]*grant{}}
}

// takes reports whether a request is one for a token.
func (s *issuer) takes(r *http.Request) bool {
	return r.URL.Path == s.login || s.refreshes && r.URL.Path == s.endpoint.refresh
}

// metadata is what the issuer says of itself, nil if r does not ask for that.
func (s *issuer) metadata(r *http.Request) map[string]any {
	path := strings.TrimSuffix(s.login, "/token") + "/.well-known/openid-configuration"
	if s.issuer == "" || r.Method != http.MethodGet || r.URL.Path != path {
		return nil
	}
	return map[string]any{"issuer": s.issuer, "token_endpoint": strings.TrimSuffix(s.issuer, "/") + "/token"}
}

// serve returns the endpoint's own answer.
func (s *issuer) serve(r *http.Request, body []byte) (status int, answer map[string]any) {
	sent := sentFields(r, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	used, isRefresh := sent[s.tokenField], sent["grant_type"] == "refresh_token"
	if _, known := sent["grant_type"]; !known {
		isRefresh = r.URL.Path == s.endpoint.refresh && s.refreshes && used != ""
	}
	fam, fields := &family{}, s.fields[0]
	if isRefresh {
		fields = s.fields[1]
		old := s.refresh[used]
		if old != nil && (old.over || old.family.over) {
			old.family.over = true // a refresh token that is used twice was stolen: RFC 9700 §4.14.2
			return http.StatusBadRequest, map[string]any{"error": "invalid_grant"}
		}
		if old == nil { // the first one came from elsewhere
			old = &grant{family: fam}
			s.refresh[used] = old
		}
		fam = old.family
		old.over = s.rotates()
	}
	return http.StatusOK, s.grant(fam, fields, isRefresh)
}

func (s *issuer) grant(fam *family, fields answerFields, isRefresh bool) map[string]any {
	s.given++
	access := &grant{family: fam}
	life := s.lifetime()
	if life > 0 {
		access.until = time.Now().Add(life)
	}
	name := fmt.Sprintf("%s-access-%d", s.credential, s.given)
	s.access[name] = access
	answer := map[string]any{"token_type": "Bearer"}
	put(answer, fields.access, name)
	if life > 0 && !s.behaviour.Unsaid {
		put(answer, fields.expires, seconds(life))
	}
	if s.gives() && (!isRefresh || s.rotates()) {
		name := fmt.Sprintf("%s-refresh-%d", s.credential, s.given)
		s.refresh[name] = &grant{family: fam}
		put(answer, fields.refresh, name)
	}
	return answer
}

// gives reports whether the endpoint gives out refresh tokens.
func (s *issuer) gives() bool {
	if s.behaviour.Refresh == nil {
		return s.refreshes
	}
	return *s.behaviour.Refresh
}

// rotates reports whether each refresh gives a new one.
func (s *issuer) rotates() bool {
	return s.gives() && (s.behaviour.Rotate == nil || *s.behaviour.Rotate)
}

func (s *issuer) lifetime() time.Duration {
	if s.behaviour.Lifetime == nil {
		return time.Hour
	}
	return *s.behaviour.Lifetime
}

// refuses reports whether token is one of this issuer's that is over.
func (s *issuer) refuses(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.access[token]
	return g != nil && (g.over || g.family.over || !g.until.IsZero() && !time.Now().Add(slack).Before(g.until))
}

// expire ends the access tokens that were given so far, and the refresh tokens too if all is said.
func (s *issuer) expire(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.access {
		g.over = true
	}
	for _, g := range s.refresh {
		g.family.over = g.family.over || all
	}
}

// tokens lists every token that was given.
func (s *issuer) tokens() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.access {
		list = append(list, name)
	}
	for name := range s.refresh {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// sentFields are the top-level texts of a JSON body, or the values of a form.
func sentFields(r *http.Request, body []byte) map[string]string {
	out := map[string]string{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		var m map[string]any
		_ = json.Unmarshal(body, &m)
		for k, v := range m {
			if s, ok := v.(string); ok {
				out[k] = s
			}
		}
		return out
	}
	form, _ := url.ParseQuery(string(body))
	for k := range form {
		out[k] = form.Get(k)
	}
	if client, ok := clientOf(r); ok {
		out["client_id"] = client
	}
	return out
}

func put(m map[string]any, dotted string, v any) {
	head, rest, deeper := strings.Cut(dotted, ".")
	if !deeper {
		m[head] = v
		return
	}
	inner, ok := m[head].(map[string]any)
	if !ok {
		inner = map[string]any{}
		m[head] = inner
	}
	put(inner, rest, v)
}

func seconds(d time.Duration) any {
	if s := d.Seconds(); s != math.Trunc(s) {
		return s
	}
	return int64(d / time.Second)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		text = fmt.Appendf(nil, "%v", err) // can't be: it came from TOML
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
