//go:build linux || darwin

package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins"
)

// goodConfig is the config of the stage of a plugin that keeps to the protocol, and may come to grief all the same.
type goodConfig struct {
	Do           string            `toml:"do"` // what it does where the request's x-do says nothing
	RequestBody  pipeline.BodyMode `toml:"request_body"`
	ResponseBody pipeline.BodyMode `toml:"response_body"`
	Limit        pipeline.Size     `toml:"limit"`
	Change       bool              `toml:"change"` // it hands on other bodies
}

func (c goodConfig) Needs() pipeline.Needs {
	n := pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"*"}, Edit: []string{"*"}, Body: c.RequestBody, BodyLimit: c.Limit},
		Response: &pipeline.ResponseNeeds{Headers: []string{"*"}, Edit: []string{"*"}, Body: c.ResponseBody, BodyLimit: c.Limit},
		Answer:   true,
	}
	if c.Change {
		n.Request.Edit, n.Response.Edit = append(n.Request.Edit, ":body"), append(n.Response.Edit, ":body")
	}
	return n
}

// beGood is the main of that plugin. Its arguments may ask it to end at its start, or to spawn a child.
func beGood(args []string) {
	if len(args) > 0 && args[0] == "exit" {
		os.Exit(3)
	}
	after := pipeline.Needs{Response: &pipeline.ResponseNeeds{Headers: []string{"*"}, Edit: []string{"*"}}}
	most := goodConfig{RequestBody: pipeline.BodyFull, ResponseBody: pipeline.BodyFull, Limit: 1 << 30, Change: true}.Needs()
	again := pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"*"}, Edit: []string{"*"}},
		Response: &pipeline.ResponseNeeds{Headers: []string{"*"}, Edit: []string{"*"}}, Retry: true,
	}
	plugins.Serve(
		pipeline.Define("good", goodConfig{}, newGood).WithNeeds(most),
		pipeline.Define("after", struct {
			Do string `toml:"do"`
		}{}, func(c struct {
			Do string `toml:"do"`
		}, _ pipeline.Settings) (pipeline.Stage, error) {
			return newGood(goodConfig{Do: c.Do}, pipeline.Settings{})
		}).WithNeeds(after),
		pipeline.Define("again", struct{}{}, newAgain).WithNeeds(again),
		leaky(),
	)
}

func newGood(c goodConfig, s pipeline.Settings) (pipeline.Stage, error) {
	return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		g := good{c, s, req, next}
		do := req.Header.Get("X-Do")
		if do == "" {
			do = c.Do
		}
		return g.do(do)
	}), nil
}

// hold makes a file and waits until somebody has removed it.
func hold(ctx context.Context, file string) error {
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return err
	}
	for {
		if _, err := os.Stat(file); err != nil {
			return nil //nolint:nilerr // it is gone
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

type good struct {
	goodConfig

	settings pipeline.Settings
	req      *http.Request
	next     http.RoundTripper
}

func (g *good) do(what string) (*http.Response, error) {
	switch what {
	case "panic":
		panic("as it was asked to")
	case "die":
		die()
	case "die-once":
		if g.req.Header.Get("X-Attempt") == "1" {
			die()
		}
	case "exit":
		os.Exit(5)
	case "last-words":
		_, _ = io.WriteString(descriptor(2), "no licence is left\n")
		os.Exit(4)
	case "hang":
		<-g.req.Context().Done()
		return nil, g.req.Context().Err()
	case "hold":
		if err := hold(g.req.Context(), g.req.Header.Get("X-File")); err != nil {
			return nil, err
		}
	case "nap":
		<-time.After(300 * time.Millisecond)
	case "env":
		return g.answer(strings.Join(os.Environ(), "\n")), nil
	case "child":
		return g.child()
	case "write":
		return g.write()
	}
	resp, err := g.pass()
	if err != nil {
		return nil, err
	}
	switch what {
	case "panic-after":
		pipeline.Drop(resp)
		panic("as it was asked to")
	case "die-after":
		die()
	case "hang-after":
		<-g.req.Context().Done()
	}
	return resp, nil
}

// newAgain makes a stage that always sends twice, and may die between the two, or after the second.
func newAgain(struct{}, pipeline.Settings) (pipeline.Stage, error) {
	return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		rewind := pipeline.Replay(req)
		do := req.Header.Get("X-Do")
		for last := false; ; last = true {
			r, err := rewind.Next()
			if err != nil {
				return nil, err
			}
			r.Header.Set("X-Pid", strconv.Itoa(os.Getpid()))
			r.Header.Set("X-Last", strconv.FormatBool(last))
			resp, err := next.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			if last {
				if do == "die-last" {
					die()
				}
				return resp, nil
			}
			pipeline.Drop(resp)
			if err := pipeline.CallFrom(req.Context()).Wait(req.Context(), time.Millisecond); err != nil {
				return nil, err
			}
			if do == "die-between" {
				die()
			}
		}
	}), nil
}

// die ends the process as kill -9 from outside does.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func (g *good) answer(text string) *http.Response {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)), Request: g.req}
}

// child starts a process of its own, which nobody waits for, and answers its number.
func (g *good) child() (*http.Response, error) {
	cmd := exec.Command("sleep", "300")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return g.answer(strconv.Itoa(cmd.Process.Pid)), nil
}

// write writes x-text x-times to the file that x-to names: a descriptor's number, or a name of package os, which go-plugin takes over.
func (g *good) write() (*http.Response, error) {
	to := map[string]io.Writer{"1": descriptor(1), "2": descriptor(2), "stdout": os.Stdout, "stderr": os.Stderr}[g.req.Header.Get("X-To")]
	times, err := strconv.Atoi(g.req.Header.Get("X-Times"))
	if err != nil || to == nil {
		return nil, errors.New("write needs x-to and x-times")
	}
	_, err = io.WriteString(to, strings.Repeat(g.req.Header.Get("X-Text"), times)+"\n")
	if g.req.Header.Get("X-Lines") != "" {
		for i := range times {
			_, err = fmt.Fprintf(to, "line %d\n", i)
		}
	}
	return g.answer("written"), err
}

// descriptor writes to a file that nobody closes.
type descriptor int

func (d descriptor) Write(b []byte) (int, error) {
	for done := 0; done < len(b); {
		n, err := syscall.Write(int(d), b[done:])
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return done, err
		}
		done += max(n, 0)
	}
	return len(b), nil
}

// pass hands the request on, with what it sees of the bodies in headers.
func (g *good) pass() (*http.Response, error) {
	pid := strconv.Itoa(os.Getpid())
	if _, sees := g.req.Header["X-Id"]; sees {
		g.req.Header.Set("X-Pid", pid)
	}
	if err := g.requestBody(); err != nil {
		return nil, err
	}
	resp, err := g.next.RoundTrip(g.req)
	if err != nil {
		return nil, err
	}
	resp.Header.Set("X-Pid", pid)
	if err := g.responseBody(resp); err != nil {
		pipeline.Drop(resp)
		return nil, err
	}
	return resp, nil
}

func (g *good) requestBody() error {
	switch g.RequestBody {
	case pipeline.BodyDigest:
		d, err := pipeline.DigestOf(g.req)
		if err != nil {
			return err
		}
		g.req.Header.Set("X-Seen", fmt.Sprintf("%d %x", d.Length, d.SHA256))
	case pipeline.BodyFull:
		if g.req.Body == nil {
			return nil
		}
		data, err := io.ReadAll(g.req.Body)
		if err != nil {
			return err
		}
		g.req.Header.Set("X-Seen", seenOf(data))
		if g.Change {
			data = turned(data)
		}
		g.req.Body, g.req.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	}
	return nil
}

func (g *good) responseBody(resp *http.Response) error {
	switch g.ResponseBody {
	case pipeline.BodyDigest:
		d, err := pipeline.DigestOfResponse(resp)
		if err != nil {
			return err
		}
		resp.Header.Set("X-Seen", fmt.Sprintf("%d %x", d.Length, d.SHA256))
	case pipeline.BodyFull:
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		resp.Header.Set("X-Seen", seenOf(data))
		if g.Change {
			data = turned(data)
		}
		_ = resp.Body.Close()
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	}
	return nil
}

// seenOf is what a stage notes of a body: its length and digest.
func seenOf(data []byte) string {
	sum := sha256.Sum256(data)
	return strconv.Itoa(len(data)) + " " + hex.EncodeToString(sum[:])
}

// turned is another body, of the same length.
func turned(data []byte) []byte {
	out := bytes.Clone(data)
	for i := 0; i < len(out); i += 1 << 10 {
		out[i] = ^out[i]
	}
	return out
}

// SeenOf is what the good plugin notes of a body.
func SeenOf(data []byte) string { return seenOf(data) }

// Turned is what it makes of one.
func Turned(data []byte) []byte { return turned(data) }
