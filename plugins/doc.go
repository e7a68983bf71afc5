// Package plugins serves stages to pipelines of another process. A plugin's main is one call:
//
//	func main() { plugins.Serve(signer.Factory()) }
//
// where the factory is the very one that another program builds in with pipeline.WithStages. The file then says
//
//	[plugins.signer]
//	command = ["./bin/leat-plugin-signer"]
//
//	[stages.sign]
//	use = "signer/hmac"
//
// Run by hand, the program says what it serves; a config says what its type is for by a method Doc() string, one sentence. Package
// plugintest runs a stage over the protocol in a test.
//
// # What a stage sees
//
// A served stage sees and changes what its needs ask for and the file grants: see [pipeline.Needs], which a config tells by a method
// Needs() pipeline.Needs, and a type by [pipeline.Factory.WithNeeds]. A stage that says nothing of its needs reads and changes the request's
// headers that hold no credential, and no more. To read a body for which it did not ask is an error of the exchange that names
// the key that is missing; handing it on untouched always works. [pipeline.DigestOf] gives the digest of a body that stays with the host.
//
// # A stage without a response
//
// A stage whose needs have no response is done as it calls next: the host has the request then, and answers nothing, so
// that the stage costs half a round trip. What its next returns is a token that stands for the response: status 0, no headers, and a body that
// can't be read. `return next.RoundTrip(req)`, or returning it later as it is, is all that can be done with it. A stage that returns
// something else, or an error, after next is too late: it is logged, and nothing comes of it. A stage that wants to see what became of its
// request says so: Response: &pipeline.ResponseNeeds{}.
//
// # What is different elsewhere
//
// A context that the stage derives for next bounds the stage, not the host: the host ends a send by the pipeline's own deadlines. What
// a stage puts around a response's body is read when the stage returns, not when the caller reads. A stage that must wait between two
// sends does so with [pipeline.Call.Wait], on the host's clock, for its own timeout does not run meanwhile.
package plugins
