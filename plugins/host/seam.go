package host

import (
	"context"
	"log/slog"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// plugin is what one runner has of one plugin: the host's side makes it, which starts, restarts and quarantines processes; its stages use
// it. It is safe for concurrent use.
type plugin interface {
	// acquire returns a session that takes exchanges; where none runs, it starts the process and waits for it, at most until ctx ends.
	// The error is a *pipeline.Error of kind plugin, with the reason start, crash or draining; where ctx ended, that of pipeline.Ended.
	acquire(ctx context.Context) (*session, error)

	// leave says that one of its stages is closed, for which nothing more is sent. The last one drains and closes the session. It is
	// called once for each stage that newStage has made.
	leave() error
}

// sessionOptions are what a session is made with.
type sessionOptions struct {
	plugin      string       // its name in the file
	iface       *Interface   // what the process has said of itself; nil: nobody knows
	maxInFlight int          // exchanges at once, at most; positive
	clock       bool         // frames tell the time of the goroutine that sends them
	spawn       func(func()) // starts a goroutine outside every bubble of virtual time
	logger      *slog.Logger // the runner's, for what belongs to no stage
	redactor    *redact.Redactor
	opening     time.Duration // bounds the opening of the stream; 0: streamTimeout
	// obituary says how the process ended whose stream broke, nil where it was stopped; it may take a moment. Nil: nobody knows.
	obituary func(cause error) error
	doubt    *doubt // that the process works still; nil: nobody doubts it
}

// stageOptions are what a stage is made with.
type stageOptions struct {
	plugin   plugin
	name     string            // the plugin's in the file
	typ      string            // without the plugin's name
	config   []byte            // JSON
	settings pipeline.Settings // with Remote
	granted  *pipeline.Needs   // the most that it may use; nil: what it asks for
	start    time.Duration     // start_timeout: bounds making the instance
	given    environment       // of the plugin, as far as the stage knows it
}

// What the two halves of the package give each other, beside the above:
//
//	newSession(grpc.ClientConnInterface, sessionOptions) (*session, error)  outside every bubble
//	newStage(stageOptions) (pipeline.Stage, error)                          starts nothing; it is a Starter, CallObserver and io.Closer
//	(*session).gone() <-chan struct{}      closed once the stream has ended, whatever ended it
//	(*session).err() error                 why, once gone; nil after close and drain
//	(*session).draining() <-chan struct{}  closed once the plugin, or drain, said that it takes no new exchange
//	(*session).drain(ctx) error            lets the exchanges under way end and the plugin finish; then the session is gone
//	(*session).close()                     ends it now: what is under way fails with class crash; waits for its goroutines
