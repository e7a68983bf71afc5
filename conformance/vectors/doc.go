// Package vectors holds what leat decides as tables of inputs and outputs in JSON, for those who write a stage, a plugin or an SDK in
// another language and want to decide alike. Nothing here is to be imported: README.md explains the files.
//
// The inputs are written by hand, in this package's tests; the outputs come from the implementation. The tests compare both with the
// files, and with what is known without the implementation. After a change that is meant, write the files again with
//
//	go test ./conformance/vectors -update
package vectors
