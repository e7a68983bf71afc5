package retry_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/retry"
)

// What retry would do is known without sending anything.
func ExampleDecide() {
	a := retry.Attempt{
		Status: http.StatusServiceUnavailable, Class: pipeline.ClassUnknown, Kind: pipeline.KindServer, Attempts: 1,
		Asked: time.Second, Replayable: true, Bounded: true, Remaining: 30 * time.Second,
	}
	fmt.Println("POST:", retry.Decide(retry.Defaults(), a).Reason)
	a.Idempotent = true
	d := retry.Decide(retry.Defaults(), a)
	fmt.Println("GET:", d.Retry, d.Delay)
	// Output:
	// POST: unsafe_method
	// GET: true 1s
}

// A Go program can use the stage without a file, in a chain of its own.
func ExampleNew() {
	config := retry.Defaults()
	config.Base = time.Millisecond
	stage, err := retry.New(config, pipeline.Settings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	sends := 0
	upstream := roundTrip(func(*http.Request) (*http.Response, error) {
		sends++
		if sends < 3 {
			return &http.Response{StatusCode: http.StatusBadGateway, Body: http.NoBody}, nil
		}
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	req, err := http.NewRequest(http.MethodGet, "https://api.example.com/posts", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := stage.Do(req, upstream)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(resp.StatusCode, "after", sends, "sends")
	// Output: 200 after 3 sends
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
