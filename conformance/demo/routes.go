package demo

import (
	"net/http"
	"strings"
	"time"
)

// route is one line of the API. who is the session that the request's access token belongs to, "" on open routes.
type route struct {
	method, path string // method "" is any
	open         bool   // needs no access token
	about        string
	serve        func(w http.ResponseWriter, r *http.Request, who string)
}

func (a *API) routes() []route {
	return []route{
		{"POST", "/login", true, `{"user","password"} → tokens; ?lifetime=300ms; wrong password: 401`, a.serveLogin},
		{"POST", "/refresh", true, `{"refresh_token"} → new tokens; each refresh token works once, using it again ends the session`, a.serveRefresh},
		{"POST", "/token", true, "OAuth 2.0 token endpoint: client_credentials and refresh_token, client by Basic or form", a.serveToken},
		{"GET", "/revoke", true, "all current access tokens die at once", a.serveRevoke},
		{"POST", "/revoke", true, "all current access tokens die at once", a.serveRevoke},

		{"GET", "/posts", false, "a page of posts: ?limit=10&page=1, next page in Link", a.servePosts},
		{"GET", "/posts/{id}", false, "one post, or 404 as problem details", a.servePost},
		{"POST", "/posts", false, `{"title","body"} → 201 and Location, or 422; honours Idempotency-Key`, a.serveCreate},

		{"GET", "/flaky", false, "503 with Retry-After: 1, then 200, and again; ?times=N failures, ?id=X a sequence of one's own", a.serveFlaky},
		{"GET", "/limited", false, "429 with Retry-After: 1 and RateLimit fields, then 200; ?times, ?id", a.serveLimited},
		{"GET", "/html", false, "503 in HTML without Retry-After, then 200 JSON; ?times, ?id", a.serveHTML},
		{"POST", "/flaky-write", false, "503 twice, then 201; the first 503 comes after the post was created; honours Idempotency-Key", a.serveFlakyWrite},
		{"GET", "/slow", false, "the first byte after 10 seconds", a.serveSlow},
		{"GET", "/drip", false, "60 bytes, one a second", a.serveDrip},
		{"GET", "/reset", false, "cuts the connection half way through the body", a.serveReset},
		{"GET", "/broken", false, "200 with malformed JSON", a.serveBroken},
		{"GET", "/shape", false, "200 with well-formed JSON that is not a post: fields are missing or of the wrong type", a.serveShape},
		{"GET", "/problem", false, "409 as problem details with an extension member; ?status=422", a.serveProblem},
		{"GET", "/teapot", false, `418 as {"error":{"code","message"}}`, a.serveTeapot},
		{"GET", "/redirect", false, "302 to another origin, which tells whether it saw a credential", a.serveRedirect},
		{"", "/signed", false, "whether the request is signed as plugins/examples/signer does it, or 403", a.serveSigned},
		{"", "/echo", false, "what arrived, credentials only as present or absent", a.serveEcho},

		{"GET", "/_stats", true, "the counters", a.serveStats},
		{"POST", "/_reset", true, "counters to zero, posts and failing sequences as in the beginning", a.serveResetStats},
	}
}

func (a *API) newMux() *http.ServeMux {
	mux := http.NewServeMux()
	routes := a.routes()
	for _, rt := range routes {
		mux.HandleFunc(strings.TrimSpace(rt.method+" "+rt.path), func(w http.ResponseWriter, r *http.Request) {
			a.enter(w, r, rt)
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { answerIndex(w, routes) })
	mux.HandleFunc("/", a.serveUnknown)
	return mux
}

// enter counts the request, asks for an access token where one is needed, and serves the route.
func (a *API) enter(w http.ResponseWriter, r *http.Request, rt route) {
	if !strings.HasPrefix(rt.path, "/_") {
		a.count(func(s *Stats) { s.Requests[rt.path]++ })
	}
	if rt.open {
		rt.serve(w, r, "")
		return
	}
	token, sent := bearerToken(r)
	who, ok := a.sessionOf(token, time.Now())
	if ok {
		rt.serve(w, r, who)
		return
	}
	a.count(func(s *Stats) { s.Unauthorized++ })
	challenge, detail := `Bearer realm="demo"`, "this route needs an access token: POST /login gives one"
	if sent { // RFC 6750 §3.1: no error code for a request without any credential.
		challenge += `, error="invalid_token", error_description="the access token expired or was revoked"`
		detail = "the access token expired or was revoked"
	}
	w.Header().Set("WWW-Authenticate", challenge)
	answerProblem(w, http.StatusUnauthorized, detail)
}

func bearerToken(r *http.Request) (token string, sent bool) {
	value := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", value != ""
	}
	return strings.TrimSpace(token), true
}

func answerIndex(w http.ResponseWriter, routes []route) {
	type line struct {
		Route string `json:"route"`
		Auth  bool   `json:"auth"`
		About string `json:"about"`
	}
	lines := make([]line, 0, len(routes))
	for _, rt := range routes {
		lines = append(lines, line{orDefault(rt.method, "ANY") + " " + rt.path, !rt.open, rt.about})
	}
	answer(w, http.StatusOK, map[string]any{"name": "the misbehaving API", "routes": lines})
}

// serveUnknown tells a wrong method (405) from a wrong path (404).
func (a *API) serveUnknown(w http.ResponseWriter, r *http.Request) {
	a.count(func(s *Stats) { s.Requests["unknown"]++ })
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		probe := &http.Request{Method: method, Host: r.Host, URL: r.URL}
		if _, pattern := a.mux.Handler(probe); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		answerProblem(w, http.StatusNotFound, "no such route: GET / lists them")
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	answerProblem(w, http.StatusMethodNotAllowed, "this route takes "+strings.Join(allowed, " and "))
}
