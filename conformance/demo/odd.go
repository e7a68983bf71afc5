package demo

import (
	"io"
	"net/http"
	"strconv"
)

// serveReset promises a whole answer, gives half of it and is gone.
func (a *API) serveReset(w http.ResponseWriter, _ *http.Request, _ string) {
	const text = `{"id":1,"title":"half of this never arrives"}`
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = io.WriteString(w, text[:len(text)/2])
	_ = http.NewResponseController(w).Flush() // otherwise the half is cut off with the rest
	panic(http.ErrAbortHandler)
}

func (a *API) serveBroken(w http.ResponseWriter, _ *http.Request, _ string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"id":1,"title":"the closing quote is missing,"likes":}`)
}

// serveShape answers with a post whose id is a text, whose title is null, whose tags are a text, and that lacks body,
// author and created_at.
func (a *API) serveShape(w http.ResponseWriter, _ *http.Request, _ string) {
	answer(w, http.StatusOK, map[string]any{"id": "one", "title": nil, "likes": -1, "published": "yes", "tags": "shape"})
}

func (a *API) serveProblem(w http.ResponseWriter, r *http.Request, _ string) {
	switch r.URL.Query().Get("status") {
	case "", "409":
		answerAs(w, http.StatusConflict, "application/problem+json", problem{
			"type":            "http://demo.localhost/problems/edit-conflict",
			"title":           "somebody else changed the post",
			"status":          http.StatusConflict,
			"detail":          "you changed version 3 of post 1, which is at version 4",
			"instance":        "/posts/1",
			"current_version": 4,
		})
	case "422":
		answerAs(w, http.StatusUnprocessableEntity, "application/problem+json", problem{
			"type":     "http://demo.localhost/problems/invalid-post",
			"title":    "the post is not valid",
			"status":   http.StatusUnprocessableEntity,
			"detail":   "the title is missing",
			"instance": "/posts/1",
			"errors":   []fault{{"/title", "must be a text of 1 to 200 characters"}},
		})
	default:
		answerProblem(w, http.StatusBadRequest, "status must be 409 or 422")
	}
}

// serveTeapot shows the other common shape of an error in JSON.
func (a *API) serveTeapot(w http.ResponseWriter, _ *http.Request, _ string) {
	answer(w, http.StatusTeapot, map[string]any{
		"error": map[string]string{"code": "teapot", "message": "short and stout"},
	})
}
