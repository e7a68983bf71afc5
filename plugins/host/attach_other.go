//go:build !linux && !darwin

package host

import "errors"

func attachFolder() string { return "leat-dev" }

var errNoAttach = errors.New("plugins run on Linux and macOS only for now")

func privateFolder(string) error { return errNoAttach }

func ownSocket(string) error { return errNoAttach }
