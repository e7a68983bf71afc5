// Command compare runs three everyday cases twice, once with the plain habit (go-retryablehttp, x/oauth2, net/http) and once
// with leat, and prints what the upstream saw. Every number is counted at a server on this machine's loopback interface.
//
//	go run -C conformance/compare .
//	go run -C conformance/compare . -o markdown
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// run measures all cases and writes the table to out. Equal measurements give equal bytes: nothing depends on the time taken.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	format := flags.String("o", "text", "the table's format: text or markdown")
	if err := flags.Parse(args); err != nil {
		return err
	}
	write, ok := map[string]func(io.Writer, []row) error{"text": printText, "markdown": printMarkdown}[*format]
	if !ok {
		return fmt.Errorf("-o %s: the formats are text and markdown", *format)
	}
	rows, err := measure(ctx)
	if err != nil {
		return err
	}
	return write(out, rows)
}

// measure runs the cases one after the other.
func measure(ctx context.Context) ([]row, error) {
	var rows []row
	for _, compare := range []func(context.Context) ([]row, error){compareWrites, compareDeadToken, compareRedirects} {
		more, err := compare(ctx)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}
