// Command stages serves what `leat test --via` puts around the stages of tests, in Go. Those of the SDKs for other languages do the same:
// plugins/python/conformance/stages.py and plugins/node/conformance/stages.js.
package main

import (
	"github.com/leatdev/leat/conformance/via"
	"github.com/leatdev/leat/plugins"
)

func main() { plugins.Serve(via.Passing()...) }
