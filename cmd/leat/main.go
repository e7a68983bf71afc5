// Command leat checks, shows, runs and tests the pipelines of a pipelines.toml.
package main

import (
	"os"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

func main() {
	redis.SetLogger(&logging.VoidLogger{}) // it would write between the lines of the command; the store tells what matters
	os.Exit(shipped().start())
}

func (p program) start() int {
	if code, ok := p.child(os.Args[1:]); ok {
		return code
	}
	p.hurry = &hurry{}
	ctx, stop := p.hurry.watch(os.Exit)
	defer stop()
	return p.run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}
