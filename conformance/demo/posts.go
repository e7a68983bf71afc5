package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	seededPosts  = 25
	createdPosts = 1000 // kept at most; the oldest created one is forgotten first
	maxTitle     = 200  // characters
	maxText      = 10_000
)

// Post is what /posts serves and what every route that ends well answers with.
type Post struct {
	ID        int       `json:"id"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	Author    string    `json:"author"`
	Likes     int       `json:"likes"`
	Published bool      `json:"published"`
	Tags      []string  `json:"tags"`
	CreatedAt time.Time `json:"created_at"`
}

func seedPosts(seed uint64) []Post {
	rng := rand.New(rand.NewPCG(seed, 0))
	pick := func(words string) string {
		w := strings.Fields(words)
		return w[rng.IntN(len(w))]
	}
	day := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	posts := make([]Post, seededPosts)
	for i := range posts {
		topic := pick("queues timeouts caches retries tokens logs clocks sockets")
		posts[i] = Post{
			ID:    i + 1,
			Title: fmt.Sprintf("%s %s %s", pick("On About Notes:"), pick("patient broken quiet honest late"), topic),
			Body: fmt.Sprintf("We ran %d requests against the %s one and watched the %s. %s",
				1000+rng.IntN(9000), pick("old new spare"), topic, pick("Nothing Something Everything")+" was lost."),
			Author:    pick("ada grace edsger barbara tony"),
			Likes:     rng.IntN(500),
			Published: rng.IntN(10) > 0,
			Tags:      []string{topic, pick("howto story measurement")},
			CreatedAt: day.AddDate(0, 0, i),
		}
	}
	return posts
}

func (a *API) servePosts(w http.ResponseWriter, r *http.Request, _ string) {
	limit, ok1 := numberOf(w, r, "limit", 10, 100)
	if !ok1 {
		return
	}
	page, ok2 := numberOf(w, r, "page", 1, 1_000_000)
	if !ok2 {
		return
	}
	a.mu.Lock()
	total := len(a.posts)
	from := min((page-1)*limit, total)
	posts := slices.Clone(a.posts[from:min(from+limit, total)])
	a.mu.Unlock()
	if page*limit < total { // relative to the request, RFC 8288 §3.1: the API does not know its own name
		w.Header().Set("Link", fmt.Sprintf(`</posts?limit=%d&page=%d>; rel="next"`, limit, page+1))
	}
	if posts == nil {
		posts = []Post{}
	}
	answer(w, http.StatusOK, posts)
}

func (a *API) servePost(w http.ResponseWriter, r *http.Request, _ string) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err == nil {
		if p, ok := a.post(id); ok {
			answer(w, http.StatusOK, p)
			return
		}
	}
	answerProblem(w, http.StatusNotFound, "there is no such post")
}

func (a *API) serveCreate(w http.ResponseWriter, r *http.Request, who string) {
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		answerProblem(w, http.StatusBadRequest, "the body is not a JSON object")
		return
	}
	p, faults := postFrom(fields)
	if len(faults) > 0 {
		answerAs(w, http.StatusUnprocessableEntity, "application/problem+json", problem{
			"title": "the post is not valid", "status": http.StatusUnprocessableEntity,
			"detail": "see errors for each field", "errors": faults,
		})
		return
	}
	a.answerWrite(w, r, who, body, p, 0)
}

// fault is one field that is wrong.
type fault struct {
	Pointer string `json:"pointer"` // RFC 6901
	Detail  string `json:"detail"`
}

func postFrom(fields map[string]any) (Post, []fault) {
	var faults []fault
	text := func(name string, least, most int) string {
		v, present := fields[name]
		s, isText := v.(string)
		n := utf8.RuneCountInString(s)
		if present && !isText || n < least || n > most {
			faults = append(faults, fault{"/" + name, fmt.Sprintf("must be a text of %d to %d characters", least, most)})
		}
		return s
	}
	p := Post{Title: text("title", 1, maxTitle), Body: text("body", 0, maxText), Tags: []string{}}
	return p, faults
}

func (a *API) post(id int) (Post, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i, ok := slices.BinarySearchFunc(a.posts, id, func(p Post, id int) int { return p.ID - id })
	if !ok {
		return Post{}, false
	}
	return a.posts[i], true
}

func (a *API) addPostLocked(p Post) Post {
	a.lastPost++
	p.ID, p.Author, p.CreatedAt = a.lastPost, a.options.User, time.Now().UTC().Truncate(time.Second)
	a.posts = append(a.posts, p)
	if len(a.posts) > seededPosts+createdPosts {
		a.posts = slices.Delete(a.posts, seededPosts, seededPosts+1)
	}
	return p
}

// numberOf reads a whole number from 1 to most from the query, or answers 400 and returns false.
func numberOf(w http.ResponseWriter, r *http.Request, name string, otherwise, most int) (int, bool) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		answerProblem(w, http.StatusBadRequest, fmt.Sprintf("%s must be a whole number from 1 to %d", name, most))
		return 0, false
	}
	return n, true
}
