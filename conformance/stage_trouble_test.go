package conformance

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// troubles are tests that fail, or leave goroutines behind: they run in a process of their own.
var troubles = map[string]struct {
	test func(*testing.T)
	says []string // what its output holds
	not  string   // and what it doesn't
	race bool     // it shows under -race only
}{
	"an author reads rule, sight, situation and advice": {
		test: func(t *testing.T) {
			Stage(t, factoryOf(do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if err == nil && resp.StatusCode == 404 {
					return nil, pipeline.Errorf(pipeline.KindNotFound, "not there")
				}
				return resp, err
			})), "")
		},
		says: []string{
			"FAIL: TestTrouble/closes-dropped", "closes-dropped: it drains (bounded) and closes the body of every response that it does not return; Drop does.",
			"seen: the body of a response that was not returned is still open", "when: GET, answered with 404 Not Found", "and in 1 situation more",
			"do:   call pipeline.Drop(resp)", "PASS: TestTrouble/quiet",
		},
		not: "FAIL: TestTrouble/quiet",
	},
	"a panic has its place, once": {
		test: func(t *testing.T) {
			Stage(t, factoryOf(do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				return lengthen(resp), err
			})), "")
		},
		says: []string{"seen: Do panicked: runtime error", "stage_trouble_test.go", "  at /", "  from /", "situations more"},
		not:  "FAIL: TestTrouble/one-result",
	},
	"a mistake in the config has its line": {
		test: func(t *testing.T) { Stage(t, factoryOf(nil), "tmeout = 1") },
		says: []string{"stage bad can't be tested", "conformance.toml:", "tmeout = 1", "^"},
	},
	"no request reaches the stage": {
		test: func(t *testing.T) {
			Stage(t, factoryOf(do(passOn)), "when = 'request.method == \"TRACE\"'")
		},
		says: []string{"no request reaches it", "WithRequest"},
	},
	"rules about next are skipped where it is never called": {
		test: func(t *testing.T) {
			Stage(t, factoryOf(do(func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			})), "")
		},
		says: []string{"SKIP: TestTrouble/fresh-attempts", "PASS: TestTrouble/one-result"},
		not:  "FAIL",
	},
	"a stage that waits for good": {
		test: func(t *testing.T) {
			Stage(t, factoryOf(do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if err != nil && req.Context().Err() != nil {
					<-make(chan struct{})
				}
				return resp, err
			})), "")
		},
		says: []string{"FAIL: TestTrouble/honours-context", "Do did not return", "here it took more than an hour", "a call never came back", "PASS: TestTrouble/one-result"},
	},
	"a stage that locks twice": {
		test: func(t *testing.T) {
			k := &stageKit{patience: 300 * time.Millisecond, factory: factoryOf(do(func(*http.Request, http.RoundTripper) (*http.Response, error) {
				var mu sync.Mutex
				mu.Lock()
				mu.Lock()
				return nil, io.EOF
			}))}
			t.Error(k.prepare(t))
		},
		says: []string{"nothing moves any more", "GET"},
	},
	"a stage that leaves a goroutine": {
		test: func(t *testing.T) {
			Stage(t, factoryOf(func(pipeline.Settings) pipeline.Stage {
				go func() { <-make(chan struct{}) }()
				return pipeline.StageFunc(passOn)
			}), "")
		},
		says: []string{"can't be tested", "io.Closer"},
	},
	"a header that is taken off and put on again": {
		test: func(t *testing.T) {
			Stage(t, factoryOf(do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				keep := req.Header["Accept"]
				req.Header.Del("Accept")
				req.Header["Accept"] = keep
				return resp, err
			})), "")
		},
		says: []string{"DATA RACE", "FAIL: TestTrouble/no-touch-after"},
		race: true,
	},
	"a count that nothing guards": {
		test: func(t *testing.T) {
			Stage(t, factoryOf(func(pipeline.Settings) pipeline.Stage {
				count := 0
				return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
					count++
					return next.RoundTrip(req)
				})
			}), "")
		},
		says: []string{"DATA RACE", "FAIL: TestTrouble/concurrent"},
		race: true,
	},
}

func lengthen(resp *http.Response) *http.Response {
	resp.Header.Set("X-Long", "yes")
	return resp
}

func passOn(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}

// TestTrouble is one of the troubles, if the environment names one.
func TestTrouble(t *testing.T) {
	if one, ok := troubles[os.Getenv("LEAT_CONFORMANCE_TROUBLE")]; ok {
		one.test(t)
	}
}

// TestStage_tells_what_is_wrong reads what an author reads.
func TestStage_tells_what_is_wrong(t *testing.T) {
	info, _ := debug.ReadBuildInfo()
	race := slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			if trouble.race && !race {
				t.Skip("shows under -race only")
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTrouble$", "-test.v")
			cmd.Env = append(os.Environ(), "LEAT_CONFORMANCE_TROUBLE="+name)
			out, _ := cmd.CombinedOutput() // that it fails is the point
			for _, want := range trouble.says {
				if !strings.Contains(string(out), want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
			if strings.Count(string(out), "seen: Do panicked") > 1 {
				t.Errorf("it says the same more than once:\n%s", out)
			}
			if trouble.not != "" && strings.Contains(string(out), trouble.not) {
				t.Errorf("it says %q:\n%s", trouble.not, out)
			}
		})
	}
}

// TestOptions: what a stage does in situations of its own shows once an option brings them about.
func TestOptions(t *testing.T) {
	onTeapot := factoryOf(do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		if req.Header.Get("X-Tenant") == "" {
			return nil, pipeline.Errorf(pipeline.KindPolicy, "no tenant")
		}
		resp, err := next.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusTeapot || req.Context().Err() != nil {
			return resp, err
		}
		pipeline.Drop(resp)
		return next.RoundTrip(req)
	}))
	tenant := WithRequest(func(req *http.Request) { req.Header.Set("X-Tenant", "acme") })
	for name, test := range map[string]struct {
		opts  []StageOption
		sends bool
		found bool
	}{
		"neither":     {nil, false, false},
		"WithRequest": {[]StageOption{tenant}, true, false},
		"both":        {[]StageOption{tenant, WithAnswer(http.StatusTeapot, nil, "short and stout")}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			k := &stageKit{factory: onTeapot, patience: time.Minute}
			for _, opt := range test.opts {
				opt(k)
			}
			if err := k.prepare(t); err != nil {
				t.Fatal(err)
			}
			fresh := stageRules()[1]
			b := k.judge(t, fresh)
			if found := len(b.findings) > 0; found != test.found || (b.sends.Load() > 0) != test.sends {
				t.Errorf("%s: found %v, want %v; next was called %d times", fresh.ID, b.findings, test.found, b.sends.Load())
			}
		})
	}
}
