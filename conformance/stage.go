package conformance

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

// Stage tests that what f makes keeps the contract of [pipeline.Stage]. Each of the [Rules] is a subtest named by its id:
//
//	func TestStage_keeps_the_contract(t *testing.T) {
//		conformance.Stage(t, mystage.Factory(), `max_size = "1MiB"`)
//	}
//
// config is the stage's table as the file writes it, without its heading. The stage is built as a program builds it, from a
// pipelines.toml with one pipeline to https://api.example.com. The kit plays the caller, and it plays next: with answers of many
// statuses, with bodies that are empty, malformed, slow, or break off, with network errors, and with callers who leave. A rule can
// be shown broken, never kept: what a stage does only in situations of its own, [WithRequest] and [WithAnswer] bring about. Out of
// sight is what a goroutine of the stage's own does, a panic in one included, and what goes past os.Stdout and os.Stderr.
//
// Time is virtual (testing/synctest), so that waiting costs nothing. Run it with -race too: then more shows. The subtest quiet swaps
// the process's standard streams and default loggers; so t must not be parallel.
func Stage(t *testing.T, f pipeline.Factory, config string, opts ...StageOption) {
	t.Helper()
	k := newStageKit(f, config, opts)
	if err := k.prepare(t); err != nil {
		t.Fatalf("stage %s can't be tested: %v", f.Type(), err)
	}
	for _, r := range stageRules() {
		t.Run(r.ID, func(t *testing.T) {
			t.Helper()
			b := k.judge(t, r)
			if b.fatal != nil {
				t.Fatal(b.fatal)
			}
			for _, text := range report(r.Rule, b.findings) {
				t.Error(text)
			}
			if r.next && b.sends.Load() == 0 && !t.Failed() {
				t.Skip("the stage never called next, so nothing of this rule showed: give the kit requests that it lets through (WithRequest)")
			}
		})
	}
}

func newStageKit(f pipeline.Factory, config string, opts []StageOption) *stageKit {
	k := &stageKit{factory: f, config: config, background: true, patience: 10 * time.Second}
	for _, opt := range opts {
		opt(k)
	}
	return k
}

// StageOption tells [Stage] what a stage needs around it, or what it does on purpose.
type StageOption func(*stageKit)

// WithFile adds tables to the file that the stage stands in: [credentials.NAME], [transports.NAME]. Secrets are fake ones, as in
// pipelinetest.FakeSecret. A request that the kit did not make itself, such as a token request, is answered with an OAuth 2 token.
func WithFile(tables string) StageOption {
	return func(k *stageKit) { k.tables += tables + "\n" }
}

// WithPipeline adds keys to the pipeline's own table: `credential = "demo"`.
func WithPipeline(keys string) StageOption {
	return func(k *stageKit) { k.keys += keys + "\n" }
}

// WithCredentials links credential types beside leat's own, for the tables of [WithFile].
func WithCredentials(f ...credential.Factory) StageOption {
	return func(k *stageKit) { k.credentials = append(k.credentials, f...) }
}

// WithOptions gives the runner further options. Its logger, its observer and all its transports are the kit's.
func WithOptions(opts ...pipeline.Option) StageOption {
	return func(k *stageKit) { k.options = append(k.options, opts...) }
}

// Behind has other stages stand before the tested one in the list, outermost first, for one that needs what they do. They are as
// the tables of [WithFile] have them.
func Behind(stages ...pipeline.Factory) StageOption {
	return func(k *stageKit) { k.behind = append(k.behind, stages...) }
}

// WithRequest has change see every request that the kit makes before it is sent, for a stage that wants a certain header or path. It
// must leave the body, the headers that begin with X-Kit, and the query parameter "call".
func WithRequest(change func(*http.Request)) StageOption {
	return func(k *stageKit) { k.change = change }
}

// WithAnswer adds situations in which the upstream gives this answer, always or once before a 200, for a stage that acts on a certain
// status or header. It may be given more than once.
func WithAnswer(status int, header http.Header, body string) StageOption {
	return func(k *stageKit) {
		k.answers = append(k.answers, reply{status: status, header: header, body: []piece{{text: body}}})
	}
}

// ChangesRequestBody says that the stage sends another request body than the caller's, on purpose: one that it compresses, say. Its
// length, its GetBody and its Unwrap are tested all the same.
func ChangesRequestBody() StageOption { return func(k *stageKit) { k.newRequestBody = true } }

// ChangesResponseBody says that the stage returns another body than the upstream's, on purpose.
func ChangesResponseBody() StageOption { return func(k *stageKit) { k.newResponseBody = true } }

// finding is one breach of a rule.
type finding struct {
	saw  string // what happened, without what differs from situation to situation
	do   string // what the author can do about it
	when string // the situation
}

// report writes a text for each distinct finding: the rule, what was seen, when, and what to do.
func report(r Rule, findings []finding) []string {
	var texts []string
	whens := map[string][]string{}
	var distinct []finding
	for _, f := range findings {
		if _, ok := whens[f.saw]; !ok {
			distinct = append(distinct, f)
		}
		if !slices.Contains(whens[f.saw], f.when) {
			whens[f.saw] = append(whens[f.saw], f.when)
		}
	}
	for _, f := range distinct {
		text := r.ID + ": " + r.Sentence + "\n    seen: " + f.saw
		if f.when != "" {
			text += "\n    when: " + f.when
		}
		if n := len(whens[f.saw]) - 1; n > 0 {
			text += fmt.Sprintf("\n          and in %d %s more", n, plural(n))
		}
		texts = append(texts, text+"\n    do:   "+f.do)
	}
	return texts
}

func plural(n int) string {
	if n == 1 {
		return "situation"
	}
	return "situations"
}
