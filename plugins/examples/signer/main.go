// Command signer is a plugin that signs requests with HMAC-SHA256. See README.md beside it.
package main

import (
	"github.com/leatdev/leat/plugins"
	"github.com/leatdev/leat/plugins/examples/signer/sign"
)

func main() { plugins.Serve(sign.Factory()) }
