//go:build !linux && !darwin

package host

import (
	"errors"
	"os"
)

func lockFolder(string, bool) (*os.File, error) { return nil, errors.ErrUnsupported }
func writable(string) bool                      { return false }
