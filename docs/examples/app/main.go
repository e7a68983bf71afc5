// Command app prints the posts of the demo API through package blog. It knows posts and errors: no HTTP, no pipelines.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/leatdev/leat/docs/examples/blog"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := list(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

func list(ctx context.Context) error {
	client, stop, err := blog.Demo(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := client.Login(ctx, "ada", "lovelace"); err != nil {
		return err
	}
	posts, err := client.Posts(ctx)
	if err != nil {
		return err
	}
	for _, p := range posts {
		fmt.Printf("%3d  %s\n", p.ID, p.Title)
	}
	return nil
}
