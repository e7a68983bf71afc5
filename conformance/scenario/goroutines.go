package scenario

import (
	"runtime"
	"slices"
	"strings"
	"sync"
)

// held counts the connections that are neither idle nor closed although every call is over: somebody did not close an answer's body.
func held() (n int) {
	for _, stack := range stacks() {
		if strings.Contains(stack, "net/http") && strings.Contains(stack, ").readLoop(") { // of a client's connection, HTTP/1 or 2
			n++
		}
	}
	return n
}

// leftovers says where each goroutine of this bubble is but its own, without what differs from run to run.
func leftovers() string {
	var left []string
	for _, stack := range stacks() {
		left = append(left, frames(stack))
	}
	slices.Sort(left)
	return strings.Join(left, "\n")
}

// stacks returns the stacks of the goroutines in this bubble but its own.
func stacks() (list []string) {
	own := ownStack()
	head, _, _ := strings.Cut(own, "\n")
	_, bubble, ok := strings.Cut(head, "synctest bubble ")
	if !ok {
		return nil
	}
	bubble = "synctest bubble " + strings.TrimRight(bubble, "]:")
	id, _, _ := strings.Cut(own, " [")
	for stack := range strings.SplitSeq(allStacks(), "\n\n") {
		head, _, _ := strings.Cut(stack, "\n")
		ours := strings.Contains(stack, "testing/synctest") || strings.Contains(stack, "scenario.(*play).rest.") ||
			strings.Contains(stack, "net/http.(*conn).closeWriteAndWait(") // lasts half a second
		if strings.Contains(head+"]", bubble+"]") && !strings.HasPrefix(stack, id+" ") && !ours {
			list = append(list, stack)
		}
	}
	return list
}

// listings have room for the stacks of a process that runs a few tests at once. It is large, and every test needs it twice.
var listings = sync.Pool{New: func() any { return new(make([]byte, 256<<10)) }}

// ownStack returns the beginning of its own stack: what it is called and which bubble it is in.
func ownStack() string {
	var buf [256]byte
	return string(buf[:runtime.Stack(buf[:], false)])
}

func allStacks() string {
	buf := listings.Get().(*[]byte)
	defer listings.Put(buf)
	for {
		n := runtime.Stack(*buf, true)
		if n < len(*buf) || n > 1<<27 {
			return string((*buf)[:n])
		}
		*buf = make([]byte, 2*len(*buf))
	}
}

// maxFrames is how much of a stack is told.
const maxFrames = 6

// frames returns the functions of a stack, the innermost first.
func frames(stack string) string {
	var names []string
	for line := range strings.Lines(stack) {
		line = strings.TrimSpace(line)
		name, isCreator := strings.CutPrefix(line, "created by ")
		switch {
		case isCreator:
			name, _, _ = strings.Cut(name, " in goroutine")
			return strings.Join(append(names[:min(len(names), maxFrames)], "began in "+name), " ← ")
		case strings.HasSuffix(line, ")"): // a function and its arguments; the lines between are files
			names = append(names, line[:strings.LastIndexByte(line, '(')])
		}
	}
	return strings.Join(names[:min(len(names), maxFrames)], " ← ")
}
