package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/leatdev/leat/conformance"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/host"
)

// The rules of the contract are tried in virtual time, which needs a *testing.T, whose package reads the command line, prints to standard
// output and ends the process. So the program that checks starts itself once more for them: [Contract] does, and [Judge] is that process.

// job is what that process has to do.
type job struct {
	Name   string                `json:"name"`
	File   string                `json:"file"`
	Dir    string                `json:"dir"`
	Config pipeline.PluginConfig `json:"config"`
	Stage  Stage                 `json:"stage"`
}

// longest bounds what that process may take.
const longest = 40 * time.Second

// ByCommand returns the Contract of [Options] that runs a command, in which [Judge] must run.
func ByCommand(plan pipeline.PluginPlan, command ...string) func(context.Context, Stage) (Verdicts, error) {
	return func(ctx context.Context, st Stage) (v Verdicts, err error) {
		text, err := json.Marshal(job{Name: plan.Name, File: plan.File, Dir: plan.Dir, Config: plan.Config, Stage: st})
		if err != nil {
			return v, err
		}
		bounded, cancel := context.WithTimeout(ctx, longest)
		defer cancel()
		cmd := exec.CommandContext(bounded, command[0], command[1:]...)
		cmd.SysProcAttr = aside()
		in, err := cmd.StdinPipe()
		if err != nil {
			return v, err
		}
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		cmd.Cancel = in.Close // it ends with its standard input, and the plugin before it
		cmd.WaitDelay = 5 * time.Second
		if err := cmd.Start(); err != nil {
			return v, err
		}
		_, werr := in.Write(append(text, '\n'))
		err = cmd.Wait()
		_ = in.Close()
		switch {
		case ctx.Err() != nil:
			return v, context.Cause(ctx)
		case bounded.Err() != nil:
			return v, fmt.Errorf("the rules of the contract were not through after %s", longest)
		case err != nil || werr != nil:
			return v, fmt.Errorf("the process that tries the contract: %w: %.300s", errors.Join(err, werr), errs.String())
		}
		return v, json.Unmarshal(out.Bytes(), &v)
	}
}

// Judge is the process that [ByCommand] starts. It does not return.
func Judge() {
	var j job
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(&j); err != nil {
		fmt.Fprintln(os.Stderr, "this is for the command itself:", err)
		os.Exit(2)
	}
	show := redact.New(redact.Rules{})
	j.Stage.learn(show, pipeline.PluginPlan{Config: j.Config})
	h := host.New(host.WithoutLock(), host.WithLogger(slog.New(slog.DiscardHandler)), host.WithRedactor(show))
	go func() { // whoever wants to know is gone
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = h.Close()
		os.Exit(1)
	}()
	out := json.NewEncoder(os.Stdout)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	debug.SetGCPercent(400)                // thousands of short calls, and little that stays
	os.Stdout, os.Args = null, os.Args[:1] // the testing package would print and parse
	testing.Main(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "Test", F: func(t *testing.T) {
		v := j.verdicts(t, h)
		_ = out.Encode(v)
		_ = h.Close()
		os.Exit(0) // goroutines of a rule that stood still are left
	}}}, nil, nil)
}

// verdicts tries the rules of the contract.
func (j job) verdicts(t *testing.T, h *host.Host) Verdicts {
	far, iface, err := j.factory(t.Context(), h)
	if err != nil {
		return Verdicts{Unable: err.Error()}
	}
	keeper, err := keep(t.Context(), far)
	if err != nil {
		return Verdicts{Unable: err.Error()}
	}
	defer func() { _ = keeper.Close() }() // its one stage is never used
	opts := []conformance.StageOption{conformance.WithRequest(func(r *http.Request) {
		if j.Stage.Subject != "" {
			*r = *r.WithContext(pipeline.With(r.Context(), pipeline.Subject(j.Stage.Subject)))
		}
	})}
	if typ, ok := iface.Type(j.Stage.Type); ok {
		if slices.Contains(typ.Needs.Request.Edit, ":body") {
			opts = append(opts, conformance.ChangesRequestBody())
		}
		if typ.Needs.Answer || typ.Needs.Response != nil && slices.Contains(typ.Needs.Response.Edit, ":body") {
			opts = append(opts, conformance.ChangesResponseBody())
		}
	}
	found, err := conformance.Judge(t, far, "", opts...)
	if err != nil {
		return Verdicts{Unable: err.Error()}
	}
	v := Verdicts{Broken: map[string][]Breach{}, Untried: map[string]string{}}
	for _, one := range found {
		for _, f := range one.Findings {
			v.Broken[one.ID] = append(v.Broken[one.ID], Breach{Seen: f.Saw + "; when: " + f.When, Advice: f.Do})
		}
		if one.Unshown {
			v.Untried[one.ID] = "it never called next, so nothing of this rule showed"
		}
	}
	return v
}

// checkedType is the type of the stage in the file that is made around it.
const checkedType = "checked"

// factory makes the plugin's stages under a type that any file can name.
func (j job) factory(ctx context.Context, h *host.Host) (f pipeline.Factory, iface *host.Interface, err error) {
	plan := pipeline.PluginPlan{Name: j.Name, File: j.File, Dir: j.Dir, Config: j.Config}
	if iface, err = h.Describe(ctx, plan); err != nil {
		return f, nil, err
	}
	far, err := h.Factory(plan, j.Stage.Type)
	if err != nil {
		return f, nil, err
	}
	table := *far.Config().(*host.StageConfig) //nolint:forcetypeassert // the host's factories have no other
	dec := json.NewDecoder(bytes.NewReader(j.Stage.Config))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return f, nil, err
	}
	if err := table.UnmarshalConfig(value); err != nil {
		return f, nil, err
	}
	return pipeline.Define(checkedType, struct{}{}, func(_ struct{}, s pipeline.Settings) (pipeline.Stage, error) {
		s.Remote = &pipeline.RemoteConfig{Timeout: 5 * time.Second}
		s.Dir = j.Stage.Dir
		own := table
		return far.Build(&own, s)
	}), iface, nil
}

// keep starts the plugin, which would end whenever a rule has closed its stage.
func keep(ctx context.Context, f pipeline.Factory) (*pipeline.Runner, error) {
	file, err := config.Read("keeper.toml", fmt.Appendf(nil, "version = 1\n[pipelines.keeper]\nbase_url = \"https://keeper.invalid\"\nstages = [%q]\n", checkedType))
	if err != nil {
		return nil, err
	}
	r, err := pipeline.OpenFile(ctx, file, pipeline.WithStages(f), pipeline.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	p, err := r.Pipeline("keeper")
	if err == nil {
		err = p.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}
