// Package cond compiles the conditions and values that a pipeline's file writes as expressions, in the language of
// expr-lang: request.method != "GET", response.status in [502, 503], request.header("X-Tenant").
//
// What an expression can see is a Go type: [RequestEnv] before anything was sent, [OutcomeEnv] once there is a response or
// an error, [BodyEnv] where the body was read too. A stage's Config names the type it can serve, so a reference to
// something that cannot be known there is an error when the file is checked, at the very character:
//
//	type Config struct {
//		When cond.When      `toml:"when"`  // Bool[RequestEnv]
//		On   cond.OnOutcome `toml:"on"`    // Bool[OutcomeEnv]
//	}
//
// # Names
//
// Everything is a value, and absent things are the zero value: response.status is 0 and error.kind is "" when there is
// none, request.header("X-A") is "" when the header is missing. The fields of [Request], [Call], [Response] and [Failure]
// are written as their expr tags say. Durations compare with durations: call.elapsed > duration("5s").
//
// # The language
//
// Operators: == != < <= > >=, and or not (also && || !), in, contains, startsWith, endsWith, matches, + - * / % **, ?:, ??,
// ?., indexing and slicing, the pipe |, and lists and maps written out. A range stands only behind in, between two whole
// numbers: response.status in 500..599.
//
// Functions: len, type, string, int, float, abs, ceil, floor, round, min, max, lower, upper, trim, trimPrefix, trimSuffix,
// split, indexOf, lastIndexOf, hasPrefix, hasSuffix, first, last, get, duration.
//
// An expression ends soon and costs little, whatever it says, and gives the same answer each time. So there are no loops
// (all, any, none, one, filter, map, find, count, sum, reduce, sortBy, groupBy …), no variables (let), no functions that
// multiply text (repeat, replace, join, toJSON, toBase64 …), and nothing that reads the clock or the machine (now, date,
// timezone) or has no fixed order (keys, values). An expression has at most 4,096 bytes and 256 parts. The pattern of
// matches is a constant of at most 256 characters and looks at no more than 16 KiB of text; longer text is an error.
//
// # Secrets
//
// Expressions see no credentials: Authorization, Proxy-Authorization, Cookie and Set-Cookie read as "", and naming one is
// an error when the file is checked. Errors of this package never hold data of the exchange.
package cond
