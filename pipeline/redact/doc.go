// Package redact keeps secrets out of what people and machines read: logs, spans, errors, records and frames.
//
// [Secret] is a value that shows itself as a mask. [Redactor] is for everything else: headers, URLs, bodies and free text
// that may hold a secret somewhere. It judges by three things: names (a header, parameter or JSON key that says password,
// token, secret …), forms (Bearer and Basic credentials, JSON web tokens, user:password@ in a URL), and values that it was
// told of with [Redactor.Learn]. Where it is in doubt it masks.
package redact
