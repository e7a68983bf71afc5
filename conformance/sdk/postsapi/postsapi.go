// Package postsapi is a client that oapi-codegen generated from openapi.yaml, as any API's own SDK may be: it knows nothing of leat.
package postsapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi-codegen.yaml openapi.yaml
