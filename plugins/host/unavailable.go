package host

import (
	"errors"
	"fmt"

	"github.com/leatdev/leat/pipeline"
)

// lasting is why a plugin can't be used until somebody changes something: to try again soon is in vain.
type lasting struct{ error }

func (l lasting) Unwrap() error { return l.error }

// failure makes the error of a plugin that can't be used: nothing was sent, and unless err is lasting another try may go well.
func failure(name, class string, err error) *pipeline.Error {
	text := map[string]string{
		classStart: "could not be started", classCrash: "is not running", classDeadline: "does not answer", classDraining: "takes no requests",
	}[class]
	again := pipeline.ClassNotSent
	if _, ok := errors.AsType[lasting](err); ok {
		again = pipeline.ClassTerminal
	}
	return &pipeline.Error{
		Kind: pipeline.KindPlugin, Class: again, Reason: class, Message: fmt.Sprintf("plugin %s %s: %s", name, text, err), Err: err,
	}
}

// copyOf returns an error that its receiver may stamp; several wait for one start.
func copyOf(err error) error {
	if e, ok := errors.AsType[*pipeline.Error](err); ok {
		own := *e
		return &own
	}
	return err
}
