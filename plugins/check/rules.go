// Package check holds a plugin against the rules of the wire protocol (docs/plugins.md) and of a stage's contract (docs/contract.md), as
// `leat plugin check` does.
package check

import "github.com/leatdev/leat/conformance"

// Rule is one rule that a plugin keeps.
type Rule struct {
	ID       string // "wire.next", or that of a rule of the contract: "contract.quiet"; ids never change
	Sentence string // what a plugin does
	Advice   string // what its author does where it is broken
	Needs    string // what a plugin must have so that the rule can be tried: why it is skipped otherwise; "" is nothing
}

// Wire returns the rules of the wire protocol, in the order of docs/plugins.md.
func Wire() []Rule {
	return []Rule{
		{"wire.handshake", "it listens on a Unix socket in the folder that it is given, serves gRPC there, and only then prints the one line that says so; without LEAT_PLUGIN it says what it is and ends",
			"listen in the folder that PLUGIN_UNIX_SOCKET_DIR names, start the server, then print 1|1|unix|PATH|grpc| with a line end, and flush it", ""},
		{"wire.stdout", "nothing but that line goes to standard output",
			"print to standard error in place of standard output: print(…, file=sys.stderr), console.error, log.SetOutput(os.Stderr)", ""},
		{"wire.version", "it chooses a version of the host's list; if it speaks none of them, it prints one that it does speak",
			"write a version out of PLUGIN_PROTOCOL_VERSIONS, which is a list with commas, into the handshake's second field, and the highest of your own where none fits", ""},
		{"wire.health", "it serves grpc.health.v1.Health, where the service \"plugin\" is SERVING",
			"register the health service of your gRPC library and set the service \"plugin\" to SERVING", ""},
		{"wire.shutdown", "it serves plugin.GRPCController/Shutdown: it answers, then ends",
			"serve the method Shutdown of plugin.GRPCController: answer with an empty message, and then end the process", ""},
		{"wire.lifeline", "it ends when its standard input does, passes over SIGINT, and on SIGTERM finishes and ends",
			"read standard input in a thread of its own and end the process at its end; ignore SIGINT; on SIGTERM let exchanges end, then end the process", ""},
		{"wire.describe", "Describe answers with types whose names, schemas and needs can be used, and always the same, without effects",
			"answer Describe with a constant: names of letters, digits, hyphens and underscores, a JSON Schema that refers to nothing outside of itself, and the most needs of any config", ""},
		{"wire.capabilities", "it takes capabilities of the host that it does not know, and requires none that the host has not",
			"pass over what you don't know in DescribeRequest.capabilities, and leave requires empty", ""},
		{"wire.check", "Check judges a config as Open does: it answers every mistake with its path, or none and the needs of a stage of that config",
			"hold the config against your schema in Check as in Open, answer mistakes with the key's path, and where there is none the needs of that config, which never go beyond the type's", ""},
		{"wire.open", "Open makes a stage and answers Opened: with mistakes, a failure, or the needs of the instance; each session has instances of its own",
			"answer each Open with one Opened of the same exchange, whatever goes wrong, and keep instances by session and number", ""},
		{"wire.numbers", "it keeps exchanges apart by all 64 bits of their number, and by session",
			"keep the number as an unsigned integer of 64 bits (a BigInt in JavaScript), keep exchanges by session, and forget a number once its exchange has ended", ""},
		{"wire.do", "Do begins an exchange; none waits for another",
			"give each exchange a thread or task of its own, without a bound below max_in_flight, and never wait for the host in the one that reads frames", ""},
		{"wire.next", "Next hands the request on, one at a time; each has its edits against the request of Do; without the need retry there is one",
			"compute the edits of each Next against the request that Do had, send it only when it is the stage's turn, and refuse a second one if the needs have no retry", "a stage that calls next and looks at the answer"},
		{"wire.last", "a stage without response needs ends with Next.last, or by Return with an error or an answer",
			"set last in Next if the needs of the instance have no response, and send nothing more for that exchange", "a stage without response needs"},
		{"wire.response_only", "a stage that needs nothing of the request gets the Result within Do, and answers with Return",
			"where Do has a result, have the stage's next return that, and send no Next", "a stage that needs the response alone"},
		{"wire.return", "Return ends an exchange, once, with a response, an error, or neither; neither needs a Result",
			"send exactly one Return for each exchange that did not end with Next.last, and nothing of that exchange after it", "a stage that returns"},
		{"wire.error", "an error has a kind and a class of those in docs/errors.md, and of_result where it is that of the last Result",
			"use kinds and classes of docs/errors.md, and set of_result where you hand on the error that Result had", "a stage that returned an error"},
		{"wire.wait", "a stage that waits sends Wait and goes on with Awake",
			"send Wait with the duration, and go on only when Awake has come", "a stage that waits"},
		{"wire.read", "Read asks for the last response's body, when there is one; never that of a stream, nor after Drop",
			"send Read only after a Result with a response that is no stream, if the needs have its body, and before Drop or the next Next", "a stage that reads a response's body"},
		{"wire.drop", "Drop is sent of a response that is there, and never between Next and its Result",
			"send Drop only while you hold a response; Next drops it anyway", "a stage that drops a response before it goes on"},
		{"wire.left", "where ended says that the caller has left, it sends Return; it waits for the answer to Next also beyond the deadline",
			"end the stage's context when ended is set, and send Return at once; do not give up a Next by a timer of your own", "a stage that looks at the answer"},
		{"wire.cancel", "after Cancel it sends nothing more of that exchange, whose number may come again at once",
			"on Cancel forget the exchange before you read the next frame, and send only for exchanges that you have not forgotten, also for a stage that needs no response", ""},
		{"wire.changes", "what a stage does to the call travels in the changes of its next frame; a credential goes by its name",
			"send counts since the last frame, judgements with kinds and classes of docs/errors.md, and names of credentials only", "a stage that does something to the call"},
		{"wire.grants", "it sends nothing outside of its needs; where it is granted less it keeps to that, or fails",
			"name in the stage's needs what it changes: headers and :method, :url, :body in request.edit, :status in response.edit, answer, retry, credentials", ""},
		{"wire.ended", "Ended tells a type with the need calls of the end of a call, and nothing answers it",
			"run what you do at a call's end, and send no Return for it", "a stage with the need calls"},
		{"wire.close", "Close ends an instance: it answers Closed when its exchanges are over, also for one that could not be made; the end of the stream ends all",
			"count the exchanges of an instance, answer each Close with one Closed after the last, and end the Session's answer when the host has closed its side", ""},
		{"wire.draining", "a process that wants no new exchanges, after SIGTERM say, sends Draining and finishes those that it has",
			"on SIGTERM send the frame Draining on each session, and go on with the exchanges that are under way", ""},
		{"wire.panic", "an exception in a stage ends its exchange with an error of kind internal and panic set; the process goes on",
			"catch every exception around a stage, and send Return with an error of kind internal and panic = true", "a stage in which something throws: give a request that has it do so with --request"},
		{"wire.log", "a Log frame is of at most 128 KiB and of a level that is wanted",
			"send a record only if its level is at least the log_level of Do, and cut it to 128 KiB", "a stage that logs"},
		{"wire.span", "spans travel with the frame that ends an exchange, and only where recording is set",
			"put spans into Return, or Next with last, of exchanges whose Do has recording; parents are counted from 1 and come before", "a stage that makes a span or notes something on its own"},
		{"wire.inline", "a body up to 64 KiB travels in its frame, a longer one apart, in chunks of at most 32 KiB",
			"set apart for a body of more than 65,536 bytes, and cut it into chunks of at most 32,768", "a stage with the whole of a body"},
		{"wire.limits", "a frame has at most 1 MiB, a message 1.25 MiB; it takes as much",
			"raise your gRPC library's limit of received messages to 1.25 MiB at least, and begin another message before one grows beyond", ""},
		{"wire.apart", "an Upload may come before its frame or after it; a Download gives the announced bytes, once",
			"keep an Upload by its exchange's number until the frame asks for it, and a body to be downloaded until it was", "a stage with the whole of a body"},
		{"wire.bytes", "header values are bytes and may come several times; header names are in lower case, texts UTF-8",
			"take header values as bytes (latin-1 in a text), lower the names of headers, and send several values of a name in one HeaderEdit", ""},
		{"wire.unknown", "what it does not know in a message is passed over; an unknown kind of frame harms no other exchange",
			"use a protobuf library that keeps or skips unknown fields, and have a default branch where you tell frames apart", ""},
		{"wire.dev", "with LEAT_PLUGIN_DEV it serves the same on that socket: without a handshake, whatever becomes of standard input, until SIGTERM or SIGINT, and then removes the socket",
			"listen on the path that LEAT_PLUGIN_DEV names (remove a stale socket first), print only to standard error, do not watch standard input, and remove the socket at the end", "a program with a development mode"},
	}
}

// contractPrefix begins the ids of the contract's rules.
const contractPrefix = "contract."

// Contract returns the rules of the contract, in the order of docs/contract.md.
func Contract() []Rule {
	var rules []Rule
	for _, r := range conformance.Rules() {
		rules = append(rules, Rule{contractPrefix + r.ID, r.Sentence, "docs/contract.md says how a stage keeps it", ""})
	}
	return rules
}

// Rules returns all rules: the protocol's and the contract's.
func Rules() []Rule { return append(Wire(), Contract()...) }
