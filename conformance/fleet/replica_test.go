//go:build unix

package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential/redisstore"
	"github.com/leatdev/leat/stages"
)

// file is what every replica runs; the addresses are set from outside.
const file = `
version = 1

[stores.fleet]
type = "redis"
url  = "redis://localhost"

[credentials.api]
type          = "oauth2"
grant         = "refresh_token"
token_url     = "http://localhost/token"
client_id     = "fleet"
client_auth   = "none"
refresh_token = { env = "FIRST_REFRESH_TOKEN" }
origins       = ["http://localhost"]
store         = "fleet"

[pipelines.api]
base_url   = "http://localhost"
credential = "api"
stages     = ["auth", "refresh"]
`

// opened opens a replica's pipeline.
func opened(ctx context.Context, redis, provider string, opts ...pipeline.Option) (*pipeline.Runner, *pipeline.Pipeline, error) {
	r, err := pipeline.OpenBytes(ctx, "pipelines.toml", []byte(file), append([]pipeline.Option{
		pipeline.WithStages(stages.All()...), pipeline.WithStores(redisstore.Factory()), pipeline.WithEnviron(nil),
		pipeline.WithSecrets(map[string]string{"FIRST_REFRESH_TOKEN": "refresh-0"}), pipeline.WithLogger(slog.New(slog.DiscardHandler)),
		pipeline.WithSet(
			"stores.fleet.url=redis://"+redis, "credentials.api.token_url="+provider+"/token",
			"credentials.api.origins=[\""+provider+"\"]", "pipelines.api.base_url="+provider,
		),
	}, opts...)...)
	if err != nil {
		return nil, nil, err
	}
	p, err := r.Pipeline("api")
	return r, p, err
}

// report is what a replica says at its end.
type report struct {
	Calls, Failures int
	First           []string // failures
	Slowest         time.Duration
}

const replicaVar = "LEAT_FLEET_REPLICA" // "redis provider callers nanoseconds"

// replica calls the API until its input ends. It is this test's own program, run once more.
func replica(args string) error {
	var redis, provider string
	var callers int
	var pause time.Duration
	if _, err := fmt.Sscan(args, &redis, &provider, &callers, &pause); err != nil {
		return err
	}
	level, _ := strconv.Atoi(os.Getenv("LEAT_FLEET_LOG"))
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.Level(level)}))
	runner, api, err := opened(context.Background(), redis, provider, pipeline.WithLogger(log))
	if err != nil {
		return err
	}
	defer runner.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var all report
	var mu sync.Mutex
	var wg sync.WaitGroup
	client := api.Client()
	for i := range callers {
		wg.Go(func() {
			timer := time.NewTimer(pause * time.Duration(i) / time.Duration(callers))
			defer timer.Stop()
			for {
				select {
				case <-timer.C:
				case <-ctx.Done():
					return
				}
				start := time.Now()
				err := call(client, provider)
				took := time.Since(start)
				mu.Lock()
				all.Calls++
				all.Slowest = max(all.Slowest, took)
				if err != nil {
					if all.Failures++; len(all.First) < 3 {
						all.First = append(all.First, err.Error())
					}
				}
				mu.Unlock()
				timer.Reset(pause)
			}
		})
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	wg.Wait()
	return json.NewEncoder(os.Stdout).Encode(all)
}

func call(client *http.Client, url string) error {
	resp, err := client.Get(url + "/posts")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// started is a replica that runs.
type started struct {
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Reader
}

func start(t testing.TB, redis, provider string, callers int, pause time.Duration) *started {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d %d", replicaVar, redis, provider, callers, pause))
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
	return &started{cmd, in, bufio.NewReader(out)}
}

// end has the replica stop and tell.
func (s *started) end(t testing.TB) report {
	t.Helper()
	s.in.Close()
	var r report
	if err := json.NewDecoder(s.out).Decode(&r); err != nil {
		t.Fatalf("a replica ended without a report: %v", err)
	}
	return r
}
