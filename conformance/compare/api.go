package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

const (
	apiURL = "http://api.localhost"
	post   = `{"title":"sent once, I hope","body":"…"}`
)

//go:embed compare.toml
var file []byte

// open runs compare.toml over a transport, with secrets beside those that every case needs.
func open(ctx context.Context, transport http.RoundTripper, secrets map[string]string) (*pipeline.Runner, error) {
	all := map[string]string{
		"DEMO_PASSWORD": demo.DefaultPassword, "DEMO_CLIENT_SECRET": demo.ClientSecret,
		"DEMO_TOKEN": "leat-token", "DEMO_KEY": "leat-key",
	}
	maps.Copy(all, secrets)
	return pipeline.OpenBytes(ctx, "compare.toml", file,
		pipeline.WithStages(stages.All()...),
		pipeline.WithTransport("default", transport),
		pipeline.WithSecrets(all),
		pipeline.WithEnviron(nil),
		pipeline.WithLogger(slog.New(slog.DiscardHandler)),
	)
}

// logIn gets the first tokens of a session, by hand.
func logIn(ctx context.Context, transport http.RoundTripper) (*oauth2.Token, error) {
	form, err := json.Marshal(map[string]string{"user": demo.DefaultUser, "password": demo.DefaultPassword})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, apiURL+"/login", strings.NewReader(string(form)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer drop(resp)
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("login: %s", resp.Status)
	}
	token := &oauth2.Token{}
	return token, json.NewDecoder(resp.Body).Decode(token)
}

// drop reads an answer to its end, so that its connection can be used again.
func drop(resp *http.Response) {
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}
