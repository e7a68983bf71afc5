package credential

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	commandTimeout = 10 * time.Second
	commandGrace   = time.Second // for pipes that a child of the command still holds
)

// run returns what the command r prints on standard output, of which no error holds anything; standard error is nobody's, as it
// may hold secrets too. env nil passes on all of this process. The command's whole group ends with the context or the timeout.
func (s *Secrets) run(ctx context.Context, r Ref, env []string, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	program := r.args[0]
	if strings.ContainsRune(program, filepath.Separator) || strings.Contains(program, "/") {
		program = s.path(program) // exec looks a relative path up from the process's folder, not from Dir
	}
	out := &boundedBuffer{}
	cmd := exec.CommandContext(ctx, program, r.args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.WaitDelay = s.dir, env, out, commandGrace
	ownGroup(cmd)
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrWaitDelay):
		killGroup(cmd)
		return nil, fmt.Errorf("%v: it ended, but left a process that holds its output", r)
	case ctx.Err() != nil:
		killGroup(cmd)
		return nil, fmt.Errorf("%v: stopped: %w", r, context.Cause(ctx))
	case out.full:
		return nil, tooLong(r)
	case err != nil:
		return nil, fmt.Errorf("%v: %w", r, commandCause(err))
	}
	return out.data, nil
}

// commandCause keeps the exit status only: an ExitError may carry what the command printed.
func commandCause(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return errors.New(exit.String() + ": run it by hand to see why")
	}
	if start, ok := errors.AsType[*exec.Error](err); ok {
		return start.Err
	}
	return pathCause(err)
}

// boundedBuffer refuses what exceeds maxSecret, which ends the command's write. It embeds no bytes.Buffer, whose ReadFrom
// would pass the bound by.
type boundedBuffer struct {
	data []byte
	full bool
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if len(b.data)+len(p) > maxSecret {
		b.full = true
		return 0, errors.New("too long")
	}
	b.data = append(b.data, p...)
	return len(p), nil
}
