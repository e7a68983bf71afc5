package main

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/fatih/color"
	"golang.org/x/term"
)

// output is standard output, and remembers the first write that failed: whoever asked for the answer did not get it.
type output struct {
	io.Writer
	err error
}

// Write is not for two goroutines at a time. After a failure it returns that, and writes no more.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.Writer.Write(p)
	o.err = err
	return n, err
}

// failure is why a write failed, without the name that Go gave the file.
func (o *output) failure() error {
	if e, ok := errors.AsType[*fs.PathError](o.err); ok {
		return e.Err
	}
	return o.err
}

// file returns the file behind w, and false where it is none.
func file(w io.Writer) (*os.File, bool) {
	if o, ok := w.(*output); ok {
		w = o.Writer
	}
	f, ok := w.(*os.File)
	return f, ok
}

// isTerminal reports whether w is one.
func isTerminal(w io.Writer) bool {
	f, ok := file(w)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns returns the width of the terminal behind w, or what is given for everything else.
func columns(w io.Writer, otherwise int) int {
	if f, ok := file(w); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return otherwise
}

// sharesScreen reports whether a person reads standard output on a screen, or in one file with standard error: then a line is
// ended where a program would want the exact bytes.
func (a *app) sharesScreen() bool {
	out, outIsFile := file(a.std.out)
	errs, errIsFile := file(a.std.err)
	if isTerminal(a.std.out) || !outIsFile || !errIsFile {
		return isTerminal(a.std.out)
	}
	one, err1 := out.Stat()
	other, err2 := errs.Stat()
	return err1 == nil && err2 == nil && os.SameFile(one, other)
}

// paint colours s if w is a terminal that can, and NO_COLOR is not set.
func paint(w io.Writer, attr color.Attribute, s string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return s
	}
	c := color.New(attr)
	c.EnableColor()
	return c.Sprint(s)
}
