// Command leat checks, shows, runs and tests the pipelines of a pipelines.toml.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(shipped().start()) }

func (p program) start() int {
	if len(os.Args) == 2 && os.Args[1] == testProcess {
		return p.runTests()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return p.run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}
