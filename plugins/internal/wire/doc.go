// Package wire is the protocol between a host and its plugins as Go has it: the generated messages, their codec, the pipe of frames, and
// what both ends make of the types of package pipeline. Its source is plugins/proto/leat/plugin/v1/plugin.proto.
//
// To generate it anew: protoc (3.21 or newer) with protoc-gen-go v1.36.12, protoc-gen-go-grpc v1.6.2 and
// protoc-gen-go-vtproto v0.6.1-0.20250313105119-ba97887b0a25 in PATH, then `go generate ./plugins/internal/wire`.
package wire

//go:generate protoc -I ../../proto --go_out=. --go_opt=module=github.com/leatdev/leat/plugins/internal/wire --go-grpc_out=. --go-grpc_opt=module=github.com/leatdev/leat/plugins/internal/wire --go-vtproto_out=. --go-vtproto_opt=module=github.com/leatdev/leat/plugins/internal/wire,features=marshal+unmarshal+size leat/plugin/v1/plugin.proto
