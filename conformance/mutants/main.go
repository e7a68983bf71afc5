// Command mutants asks whether the corpus would notice if leat were broken. It breaks the implementation in one place at a time,
// runs the corpus on the result, and prints who noticed as a Markdown table. The breakages are in mutants.toml; the checkout is not
// touched. Some are of what several processes do: for those a Go test stands in the list, and runs instead. It takes its time, so it is no part of .ci/run.
//
//	go run ./conformance/mutants               # all of them
//	go run ./conformance/mutants -run '^retry' # some of them
//	go run ./conformance/mutants -quick        # the families of rules that a breakage is about first; all only if they see nothing
//	go run ./conformance/mutants -list         # only check that each of them fits the source and compiles
//
// The exit code is 1 if one was not caught.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// limit is how long the corpus may take on one mutant before that counts as a hang.
const limit = 120 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run does what the flags say: the result goes to out, how it gets on to progress.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(progress)
	only := flags.String("run", "", "take only the mutants whose id matches this `regexp`")
	list := flags.Bool("list", false, "check that every mutant fits the source and compiles; run nothing")
	quick := flags.Bool("quick", false, "run the families of rules that a breakage is about, and the whole corpus only if they do not notice it")
	jobs := flags.Int("jobs", 1, "how many mutants are built and run at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	switch {
	case err != nil:
		return fmt.Errorf("-run: %w", err)
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: choose mutants with -run", flags.Arg(0))
	case *jobs < 1:
		return fmt.Errorf("-jobs %d: there must be at least 1", *jobs)
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	mutants, err := load(root)
	if err != nil {
		return err
	}
	mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !wanted.MatchString(m.ID) })
	if len(mutants) == 0 {
		return fmt.Errorf("no mutant matches -run %s", *only)
	}
	dir, err := os.MkdirTemp("", "leat-mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what is left over is the system's to clear
	l := &lab{root: root, dir: dir, limit: limit, quick: *quick}
	if *list {
		return l.checkAll(ctx, mutants, *jobs, out)
	}
	return l.examineAll(ctx, mutants, *jobs, out, progress)
}

// moduleRoot returns the folder of the go.mod above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", errors.New("there is no go.mod here or above: run it within leat's checkout")
		}
		dir = above
	}
}

// checkAll compiles every mutant and prints the list.
func (l *lab) checkAll(ctx context.Context, mutants []mutant, jobs int, out io.Writer) error {
	errs := make([]error, len(mutants))
	each(ctx, len(mutants), jobs, func(i int) {
		if err := l.compile(ctx, mutants[i]); err != nil {
			errs[i] = fmt.Errorf("%s: %w", mutants[i].ID, err)
		}
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, m := range mutants {
		fmt.Fprintf(out, "%s: %s\n", m.ID, m.What)
	}
	fmt.Fprintf(out, "%d mutants, each fits the source and compiles\n", len(mutants))
	return nil
}

// examineAll runs the corpus on every mutant and prints the table.
func (l *lab) examineAll(ctx context.Context, mutants []mutant, jobs int, out, progress io.Writer) error {
	began := time.Now()
	unbroken, err := l.examineUnbroken(ctx, mutants)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "unbroken: %d scenarios and tests passed, %s\n", unbroken.passed, time.Since(began).Round(100*time.Millisecond))
	verdicts, errs := make([]verdict, len(mutants)), make([]error, len(mutants))
	var mu sync.Mutex
	done := 0
	each(ctx, len(mutants), jobs, func(i int) {
		began := time.Now()
		verdicts[i], errs[i] = l.examine(ctx, mutants[i])
		mu.Lock()
		defer mu.Unlock()
		done++
		if errs[i] == nil {
			fmt.Fprintf(progress, "%d/%d %s: %s, %s\n", done, len(mutants), mutants[i].ID, verdicts[i], time.Since(began).Round(100*time.Millisecond))
		}
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	printTable(out, mutants, verdicts)
	if missed := slices.DeleteFunc(verdicts, verdict.caught); len(missed) > 0 {
		return fmt.Errorf("%d of %d mutants were not caught", len(missed), len(mutants))
	}
	return nil
}

// each calls do with 0 to n-1, so many at once, until ctx ends; it returns when all that began have ended.
func each(ctx context.Context, n, jobs int, do func(int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range jobs {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	workers.Wait()
}

// printTable writes the result as Markdown.
func printTable(out io.Writer, mutants []mutant, verdicts []verdict) {
	fmt.Fprint(out, "| breakage | what | caught by |\n|---|---|---|\n")
	for i, m := range mutants {
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", m.ID, cell(m.What), cell(verdicts[i].String()))
	}
}

// cell makes text fit for a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
