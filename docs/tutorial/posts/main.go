// Command posts is where the tutorial ends: the GET of command plain, through the pipeline of ./pipelines.toml.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, path string) error {
	runner, err := pipeline.Open(ctx, "pipelines.toml",
		pipeline.WithStages(stages.All()...),
		pipeline.WithUpstream("demo", demo.New(demo.Options{}))) // an API of your own needs no such line
	if err != nil {
		return err // every mistake of the file, each with its line
	}
	defer func() { _ = runner.Close() }()
	api, err := runner.Pipeline("api")
	if err != nil {
		return err
	}
	title, err := titleOf(ctx, api, path)
	if errors.Is(err, pipeline.KindConflict) {
		return fmt.Errorf("somebody was faster: %w", err)
	}
	if err == nil {
		fmt.Println(title)
	}
	return err
}

// titleOf asks for a post and returns its title.
func titleOf(ctx context.Context, api *pipeline.Pipeline, path string) (string, error) {
	client := api.Client(pipeline.StatusErrors()) // an *http.Client
	req, err := api.NewRequest(ctx, "GET", path, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var post struct{ Title string }
	err = json.NewDecoder(resp.Body).Decode(&post)
	return post.Title, err
}
