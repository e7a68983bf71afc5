// Package sdk holds tests that run other people's API clients, unchanged, over a pipeline: google/go-github against a GitHub of our
// own, and a client that oapi-codegen generated against the misbehaving API. An SDK gets p.Client() as its http.Client, and must
// not notice.
package sdk
