package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/stages"
)

// openDemo opens the reference file with the misbehaving API behind it, as every example below does. Its waits are short.
func openDemo(opts ...pipeline.Option) (*pipeline.Runner, *pipeline.Pipeline) {
	runner, err := pipeline.Open(context.Background(), "../pipelines.toml", append([]pipeline.Option{
		pipeline.WithStages(stages.All()...),
		pipeline.WithUpstream("demo", demo.New(demo.Options{Seed: 1})),
		pipeline.WithSecrets(map[string]string{"DEMO_PASSWORD": demo.DefaultPassword}),
		pipeline.WithSet("stages.retry.base=1ms"),
		pipeline.WithEnviron(nil),
		pipeline.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	if err != nil {
		panic(err)
	}
	api, err := runner.Pipeline("demo")
	if err != nil {
		panic(err)
	}
	return runner, api
}

func ExampleOpen() {
	runner, err := pipeline.Open(context.Background(), "../pipelines.toml",
		pipeline.WithStages(stages.All()...),                                                // the stage types that the program links
		pipeline.WithUpstream("demo", demo.New(demo.Options{Seed: 1})),                      // who answers for "demo:"
		pipeline.WithSecrets(map[string]string{"DEMO_PASSWORD": demo.DefaultPassword}),      // as a vault's client would
		pipeline.WithSet("pipelines.demo.timeout=5s", "stages.log.profile=\"development\""), // over the file's values
	)
	if err != nil {
		fmt.Println(err) // every mistake of the file, each with its line
		return
	}
	defer runner.Close()
	fmt.Println(runner.Names())
	// Output: [demo]
}

// ExampleRunner is the whole of it: a file, a pipeline, a client for any SDK, and JSON in, Go out.
func ExampleRunner() {
	ctx := context.Background()
	runner, err := pipeline.Open(ctx, "../pipelines.toml",
		pipeline.WithStages(stages.All()...),
		pipeline.WithUpstream("demo", demo.New(demo.Options{Seed: 1})), // only for "demo:"; a real API needs none of these two
		pipeline.WithSecrets(map[string]string{"DEMO_PASSWORD": demo.DefaultPassword}))
	if err != nil {
		fmt.Println(err) // every mistake of the file, each with its line
		return
	}
	defer runner.Close()
	api, err := runner.Pipeline("demo")
	if err != nil {
		fmt.Println(err)
		return
	}

	client := api.Client() // an *http.Client: give it to any SDK
	fmt.Println(client.Timeout)

	post, err := pipeline.Get[struct{ Title string }](ctx, api, "/posts/2")
	fmt.Println(post.Title, err)
	_, err = pipeline.Get[struct{ Title string }](ctx, api, "/posts/999")
	fmt.Println(errors.Is(err, pipeline.KindNotFound)) // errors have kinds
	// Output:
	// 0s
	// On late retries <nil>
	// true
}

func ExamplePipeline_Client() {
	runner, api := openDemo()
	defer runner.Close()
	client := api.Client() // for any SDK that takes an *http.Client

	req, _ := api.NewRequest(context.Background(), "GET", "/problem", nil)
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	call := pipeline.CallOf(resp)
	fmt.Println(resp.StatusCode, call.Kind())
	fmt.Println(call.Message())
	// Output:
	// 409 conflict
	// somebody else changed the post: you changed version 3 of post 1, which is at version 4
}

func ExampleStatusErrors() {
	runner, api := openDemo()
	defer runner.Close()
	client := api.Client(pipeline.StatusErrors())

	req, _ := api.NewRequest(context.Background(), "GET", "/problem", nil)
	_, err := client.Do(req)
	fmt.Println(errors.Is(err, pipeline.KindConflict), errors.Is(err, pipeline.KindClient)) // a conflict is a client error

	if e, ok := errors.AsType[*pipeline.Error](err); ok { // net/http wraps it in a *url.Error
		fmt.Println(e)
		fmt.Println(e.Status, e.Class, e.ProblemType)
	}
	// Output:
	// true true
	// demo: conflict (409): somebody else changed the post: you changed version 3 of post 1, which is at version 4
	// 409 processed http://demo.localhost/problems/edit-conflict
}

func ExampleWith() {
	runner, api := openDemo()
	defer runner.Close()
	client := api.Client()

	write := func(ctx context.Context) {
		req, _ := api.NewRequest(ctx, "POST", "/flaky-write", nil)
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		call := pipeline.CallOf(resp)
		fmt.Printf("%d after %d sends, stopped by %q\n", resp.StatusCode, call.Sends(), call.StopReason())
	}
	ctx := pipeline.With(context.Background(), pipeline.Operation("posts.create"))
	write(ctx)                                                     // it may have been processed: not sent twice
	write(pipeline.With(ctx, pipeline.IdempotencyKey("order-17"))) // the server knows a repetition by its key
	write(pipeline.With(ctx, pipeline.IdempotencyKey("order-18"), pipeline.NoRetry()))
	// Output:
	// 503 after 1 sends, stopped by "unsafe_method"
	// 201 after 3 sends, stopped by ""
	// 503 after 1 sends, stopped by "disabled"
}

func ExampleRunner_Credential() {
	runner, _ := openDemo()
	defer runner.Close()
	ctx := context.Background()

	session, err := runner.Credential("demo", "") // the second argument is the subject, for a credential that is per subject
	if err != nil {
		fmt.Println(err)
		return
	}
	err = session.Login(ctx, map[string]redact.Secret{"user": redact.NewSecret("ada"), "password": redact.NewSecret("wrong")})
	fmt.Println(err)
	err = session.Login(ctx, map[string]redact.Secret{"user": redact.NewSecret("ada"), "password": redact.NewSecret("lovelace")})
	fmt.Println(err, session.State().Status)
	_ = session.Logout(ctx)
	fmt.Println(session.State().Status)
	_ = session.Set(ctx, credential.Token{Access: redact.NewSecret("from-elsewhere"), Lifetime: time.Hour})
	fmt.Println(session.State().Status)
	// Output:
	// credential "demo": login: 401: the server refuses the user or the password
	// <nil> fresh
	// closed
	// fresh
}

// vaultConfig is what a [credentials.NAME] table of type "vault" holds beside the keys of every credential.
type vaultConfig struct {
	// Role is the role to log in as. Required.
	Role string `toml:"role"`
}

// Validate refuses a table without a role.
func (c vaultConfig) Validate() error {
	if c.Role == "" {
		return pipeline.Invalid("role", "role is missing")
	}
	return nil
}

// vault is a Source: the session asks it for tokens, one request at a time.
type vault struct{ role string }

// Obtain gets a token; a real one would ask a server, through Settings.Transport.
func (v vault) Obtain(context.Context) (credential.Token, error) {
	return credential.Token{Access: redact.NewSecret("token-of-" + v.role), Lifetime: time.Hour}, nil
}

// Refresh is called in place of Obtain where the last token came with a refresh token.
func (v vault) Refresh(ctx context.Context, _ credential.Token) (credential.Token, error) {
	return v.Obtain(ctx)
}

// vaultFactory makes credentials of type "vault".
func vaultFactory() credential.Factory {
	return credential.Define("vault", vaultConfig{}, func(c vaultConfig, _ credential.Settings) (credential.Source, credential.Placement, error) {
		return vault{c.Role}, credential.Placement{Header: "X-Vault-Token"}, nil
	})
}

func ExampleWithCredentials() {
	file := `
version = 1

[credentials.api]
type    = "vault"
origins = ["https://api.example.com"]
role    = "reader"

[pipelines.api]
base_url   = "https://api.example.com"
credential = "api"
stages     = ["auth", "refresh"]
`
	network := roundTripper(func(req *http.Request) (*http.Response, error) {
		fmt.Println(req.Host, req.Header.Get("X-Vault-Token"))
		return answer(200, "{}"), nil
	})
	runner, err := pipeline.OpenBytes(context.Background(), "pipelines.toml", []byte(file),
		pipeline.WithStages(stages.All()...),
		pipeline.WithCredentials(vaultFactory()),
		pipeline.WithTransport("default", network), // any http.RoundTripper in place of [transports.default]
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer runner.Close()
	api, _ := runner.Pipeline("api")
	for _, url := range []string{"/secrets", "https://elsewhere.example/"} {
		req, _ := api.NewRequest(context.Background(), "GET", url, nil)
		resp, err := api.RoundTrip(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	// Output:
	// api.example.com token-of-reader
	// elsewhere.example
}

func ExampleWithObserver() {
	var lines []string
	runner, api := openDemo(pipeline.WithObserver(func(_ *pipeline.Call, e pipeline.Event) {
		lines = append(lines, fmt.Sprintf("%s %s %q", e.Stage, e.Name, e.Reason)) // one call at a time here; else take a lock
	}))
	defer runner.Close()

	_, err := pipeline.Get[struct{}](context.Background(), api, "/broken")
	fmt.Println(pipeline.KindOf(err))
	for _, l := range lines {
		fmt.Println(l)
	}
	// Output:
	// parse
	// auth chosen ""
	// send waited ""
	// send sent ""
	// validate failed "parse"
}

func ExampleKindOf() {
	runner, api := openDemo(pipeline.WithSet("pipelines.demo.attempt_timeout=20ms", "stages.retry.max_attempts=1"))
	defer runner.Close()

	for _, path := range []string{"/posts/999", "/broken", "/slow"} {
		_, err := pipeline.Get[struct {
			ID int `json:"id"`
		}](context.Background(), api, path)
		switch kind := pipeline.KindOf(err); {
		case kind == "":
			fmt.Println("ok")
		case kind.Within(pipeline.KindClient):
			fmt.Println(path, "the request is at fault:", string(kind))
		case kind == pipeline.KindTimeout, kind == pipeline.KindNetwork, kind == pipeline.KindServer:
			fmt.Println(path, "try later:", kind)
		default:
			fmt.Println(path, "report it:", kind)
		}
	}
	// Output:
	// /posts/999 the request is at fault: not_found
	// /broken report it: parse
	// /slow try later: timeout
}
