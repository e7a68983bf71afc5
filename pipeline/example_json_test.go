package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/leatdev/leat/pipeline"
)

const exampleFile = `
version = 1

[pipelines.blog]
base_url = "demo:"
stages   = []
`

type examplePost struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
}

// exampleBlog is an API in memory.
func exampleBlog(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.Method + " " + r.URL.Path {
	case "GET /posts/1":
		fmt.Fprint(w, `{"id": 1, "title": "Hello"}`)
	case "POST /posts":
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"id": 2, "title": "Second"}`)
	default:
		http.Error(w, "no such post", http.StatusNotFound)
	}
}

func exampleRunner() (*pipeline.Runner, *pipeline.Pipeline) {
	runner, err := pipeline.OpenBytes(context.Background(), "pipelines.toml", []byte(exampleFile), pipeline.WithUpstream("demo", http.HandlerFunc(exampleBlog)))
	if err != nil {
		panic(err)
	}
	blog, err := runner.Pipeline("blog")
	if err != nil {
		panic(err)
	}
	return runner, blog
}

func ExampleGet() {
	runner, blog := exampleRunner()
	defer runner.Close()
	ctx := context.Background()

	post, err := pipeline.Get[examplePost](ctx, blog, "/posts/1")
	fmt.Println(post.Title, err)

	_, err = pipeline.Get[examplePost](ctx, blog, "/posts/9")
	fmt.Println(errors.Is(err, pipeline.KindNotFound))
	// Output:
	// Hello <nil>
	// true
}

func ExampleSend() {
	runner, blog := exampleRunner()
	defer runner.Close()

	post, err := pipeline.Send[examplePost](context.Background(), blog, http.MethodPost, "/posts", examplePost{Title: "Second"})
	fmt.Println(post.ID, err)
	// Output:
	// 2 <nil>
}

func ExampleDo() {
	runner, blog := exampleRunner()
	defer runner.Close()

	req, err := blog.NewRequest(context.Background(), http.MethodGet, "/posts/1", nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Accept", "application/vnd.blog+json")
	post, err := pipeline.Do[map[string]any](blog, req)
	fmt.Println(post["id"], post["title"], err)
	// Output:
	// 1 Hello <nil>
}
