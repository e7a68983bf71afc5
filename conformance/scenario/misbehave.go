package scenario

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/leatdev/leat/pipeline"
)

// MisbehaveConfig is the table of a stage of type "misbehave", which every test may use: it breaks the contract of stages, to show what
// comes of it.
type MisbehaveConfig struct {
	// How is what it does: "panic" before it sends, or "late", once it has an answer; return "both" or "neither" of a response and an
	// error, return an "error" of no kind, "answer" 418 by itself, "drop" the response of the stages within and return an error, or "touch"
	// a request that was handed on: it adds the header X-Touched. No breach are "rewrite", which puts /v2 before the path and sends that,
	// "detour", which sends the request to https://elsewhere.example.com, "wrap", which wraps the errors of the stages within, and "shared", which returns one error, class not_sent, to everybody. Required.
	How string `toml:"how"`
}

// Validate refuses an unknown way to misbehave.
func (c MisbehaveConfig) Validate() error {
	return errors.Join(refuse(c.How == "", "how", "how is missing", `write how = "panic"`),
		oneOfWords("how", c.How, []string{"panic", "late", "both", "neither", "error", "answer", "drop", "touch", "rewrite", "detour", "wrap", "shared"}))
}

func misbehaveFactory() pipeline.Factory {
	return pipeline.Define("misbehave", MisbehaveConfig{}, func(c MisbehaveConfig, _ pipeline.Settings) (pipeline.StageFunc, error) {
		shared := pipeline.Errorf(pipeline.KindServer, "too many are here")
		shared.Class = pipeline.ClassNotSent
		if c.How == "shared" {
			return func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, shared }, nil
		}
		return c.do, nil
	})
}

func (c MisbehaveConfig) do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	teapot := &http.Response{
		Status: "418 I'm a teapot", StatusCode: http.StatusTeapot, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader("short and stout")), Request: req,
	}
	switch c.How {
	case "panic":
		panic("the stage fell over")
	case "both":
		return teapot, errors.New("and an error")
	case "neither":
		return nil, nil //nolint:nilnil // that is the point
	case "error":
		return nil, errors.New("something is wrong")
	case "late":
		_, _ = next.RoundTrip(req)
		panic("the stage fell over")
	case "rewrite":
		req.URL.Path = "/v2" + req.URL.Path
		return next.RoundTrip(req)
	case "detour":
		req.URL.Host = "elsewhere.example.com"
		return next.RoundTrip(req)
	case "wrap":
		resp, err := next.RoundTrip(req)
		if err != nil {
			err = fmt.Errorf("wrapped: %w", err)
		}
		return resp, err
	case "touch":
		resp, err := next.RoundTrip(req)
		req.Header.Add("X-Touched", "yes")
		return resp, err
	case "drop":
		if _, err := next.RoundTrip(req); err != nil {
			return nil, err
		}
		return nil, errors.New("the answer was dropped")
	}
	return teapot, nil
}
