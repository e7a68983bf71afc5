// Package python holds leat's SDK for plugins in Python: the files that a project needs to run one.
package python

import (
	"embed"
	"io/fs"
)

//go:embed leat_plugin/*.py leat_plugin/py.typed
var files embed.FS

// SDK returns the SDK as a project needs it beside its program: the package leat_plugin, without tests. It is read-only.
func SDK() fs.FS { return files }
