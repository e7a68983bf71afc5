package host

import (
	"errors"
	"fmt"

	"github.com/leatdev/leat/pipeline"
)

// failure makes the error of a plugin that can't be used: nothing was sent.
func failure(name, class string, err error) *pipeline.Error {
	text := map[string]string{classStart: "could not be started", classCrash: "is not running", classDraining: "takes no requests"}[class]
	return &pipeline.Error{
		Kind: pipeline.KindPlugin, Class: pipeline.ClassNotSent, Reason: class, Message: fmt.Sprintf("plugin %s %s: %s", name, text, err), Err: err,
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
