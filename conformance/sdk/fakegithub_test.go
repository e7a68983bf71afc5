package sdk

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fakeGitHub answers as GitHub's REST API does, as far as these tests go. Whatever comes to assets.github.localhost is its storage,
// another origin.
type fakeGitHub struct {
	reset time.Time // of the rate limit

	mu      sync.Mutex
	seen    []string // "GET /repos/o/r/issues"
	foreign []string // Authorization headers that the storage saw
	bodies  []string // of POSTs
}

func newFakeGitHub() *fakeGitHub {
	return &fakeGitHub{reset: time.Now().Add(time.Hour).Truncate(time.Second)}
}

// sends returns how many requests came for a path.
func (g *fakeGitHub) sends(path string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, line := range g.seen {
		if strings.HasSuffix(line, " "+path) {
			n++
		}
	}
	return n
}

func (g *fakeGitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	g.seen = append(g.seen, r.Method+" "+r.URL.Path)
	storage := strings.HasPrefix(r.Host, "assets.")
	if storage {
		g.foreign = append(g.foreign, r.Header.Get("Authorization"))
	}
	if r.Method == http.MethodPost {
		g.bodies = append(g.bodies, string(body))
	}
	g.mu.Unlock()
	if storage {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = io.WriteString(w, "the asset")
		return
	}
	if r.URL.Path == "/repos/o/busy" && g.sends(r.URL.Path) == 1 { // its proxy answers, which knows of no limits
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<title>Unicorn!</title>")
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	g.limits(w, 59)
	if r.Header.Get("Authorization") != "Bearer "+canary {
		say(w, http.StatusUnauthorized, "Bad credentials", "https://docs.github.com/rest")
		return
	}
	g.answer(w, r, body)
}

func (g *fakeGitHub) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	const limits = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
	switch path := strings.TrimPrefix(r.URL.Path, "/repos/o/"); path {
	case "r/issues", "moved-here/issues":
		g.issues(w, r, body)
	case "limited/issues", "limited-429/issues":
		g.limits(w, 0)
		say(w, statusIn(path, http.StatusForbidden), "API rate limit exceeded for user ID 1.", limits)
	case "abused/issues", "abused-429/issues":
		w.Header().Set("Retry-After", "120")
		say(w, statusIn(path, http.StatusForbidden), "You have exceeded a secondary rate limit.", limits+"#about-secondary-rate-limits")
	case "moved/issues":
		http.Redirect(w, r, "/repos/o/moved-here/issues", statusIn(r.Method, http.StatusMovedPermanently))
	case "r/stats/contributors":
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "{}")
	case "r/tarball", "r/releases/assets/1":
		http.Redirect(w, r, "http://assets.github.localhost/1", http.StatusFound)
	case "busy":
		_, _ = io.WriteString(w, `{"id":1,"name":"busy"}`)
	case "cached":
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, `{"id":1,"name":"cached"}`)
	case "gone":
		panic(http.ErrAbortHandler)
	default:
		say(w, http.StatusNotFound, "Not Found", "https://docs.github.com/rest")
	}
}

// issues lists five issues, two to a page, and creates those that have a title.
func (g *fakeGitHub) issues(w http.ResponseWriter, r *http.Request, body []byte) {
	var issue struct{ Title string }
	if r.Method == http.MethodPost {
		if _ = json.Unmarshal(body, &issue); issue.Title == "" {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}]}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"number":6,"title":%q}`, issue.Title)
		return
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	page = max(page, 1)
	if page < 3 {
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?page=%d>; rel="next", <http://%s%s?page=3>; rel="last"`, r.Host, r.URL.Path, page+1, r.Host, r.URL.Path))
	}
	var list []map[string]any
	for n := 2*page - 1; n <= min(2*page, 5); n++ {
		list = append(list, map[string]any{"number": n, "title": fmt.Sprintf("issue %d", n)})
	}
	_ = json.NewEncoder(w).Encode(list)
}

func (g *fakeGitHub) limits(w http.ResponseWriter, remaining int) {
	w.Header().Set("X-RateLimit-Limit", "60")
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(g.reset.Unix(), 10))
}

func say(w http.ResponseWriter, status int, message, documentation string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message, "documentation_url": documentation})
}

// statusIn reads the status out of "limited-429/issues"; a POST is redirected with 307.
func statusIn(text string, otherwise int) int {
	switch {
	case strings.Contains(text, "429"):
		return http.StatusTooManyRequests
	case text == http.MethodPost:
		return http.StatusTemporaryRedirect
	}
	return otherwise
}
