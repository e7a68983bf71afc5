package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminal is where a person types.
type terminal struct{ in *os.File }

// terminal returns standard input if a person is there.
func (a *app) terminal() (terminal, bool) {
	in, ok := a.std.in.(*os.File)
	return terminal{in}, ok && term.IsTerminal(int(in.Fd()))
}

// ask writes a prompt to w and reads a line, without echo if it is hidden. When ctx ends, as by Ctrl-C, the terminal is as it was; the read
// that is under way ends with the process.
func (t terminal) ask(ctx context.Context, w io.Writer, prompt string, hidden bool) (string, error) {
	fd := int(t.in.Fd())
	was, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(w, prompt)
	type line struct {
		text string
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		if hidden {
			b, err := term.ReadPassword(fd)
			typed <- line{string(b), err}
			return
		}
		text, err := t.line()
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		if hidden || l.err != nil {
			fmt.Fprintln(w)
		}
		return l.text, l.err
	case <-ctx.Done():
		_ = term.Restore(fd, was)
		fmt.Fprintln(w)
		return "", context.Cause(ctx)
	}
}

// line reads byte by byte: what comes after it is for the next question.
func (t terminal) line() (string, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		n, err := t.in.Read(b)
		switch {
		case n == 1 && b[0] == '\n':
			return strings.TrimSpace(string(line)), nil
		case n == 1:
			line = append(line, b[0])
		case err != nil:
			return strings.TrimSpace(string(line)), err
		}
	}
}
