package main

import "github.com/leatdev/leat/plugins/check"

// child does the work of a further process of the command, and says whether this is one: they are started with an argument that nobody types.
func (p program) child(args []string) (code int, ok bool) {
	switch {
	case len(args) == 1 && args[0] == testProcess:
		return p.runTests(), true
	case len(args) > 0 && args[0] == stagesProcess:
		return p.serveStages(args[1:]), true
	case len(args) > 0 && args[0] == echoProcess:
		return serveEcho(args[1:]), true
	case len(args) == 1 && args[0] == contractProcess:
		check.Judge()
	}
	return 0, false
}
