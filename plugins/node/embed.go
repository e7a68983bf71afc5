// Package node holds leat's SDK for plugins in JavaScript and TypeScript, so that `leat plugin new` can copy it into a project.
package node

import (
	"embed"
	"io/fs"
)

//go:embed package.json index.d.ts testing.d.ts src README.md
var files embed.FS

// SDK returns the SDK's own files as a project needs them: package.json, the sources with the generated code, the types and the README. The
// tests and the packages that it depends on are not among them.
func SDK() fs.FS { return files }
