//go:build linux || darwin

package host_test

import (
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/leatdev/leat/plugins/host"
)

// Kill leaves neither a process nor a child of one, also of a plugin that is stopped, and waits for nobody.
func TestHost_Kill(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	begun := make(chan struct{}, 1)
	w := newWorld(t, setting{command: []string{"as-good"}, env: `"PATH", "GORACE=atexit_sleep_ms=0"`, handler: func(rw http.ResponseWriter, req *http.Request) {
		if req.Header.Get("X-Do") == "held" {
			begun <- struct{}{}
			<-goOn
		}
		_, _ = io.WriteString(rw, "up")
	}})
	pid := w.send("").pid()
	child, err := strconv.Atoi(w.send("child").body)
	if err != nil {
		t.Fatal(err)
	}
	held := make(chan answer, 1)
	go func() { held <- w.send("held") }()
	<-begun
	host.Freeze(t, pid)
	at := time.Now()
	w.host.Kill()
	if took := time.Since(at); took > answerWithin {
		t.Errorf("it took %s", took)
	}
	until(t, "the end of both", func() bool { return !alive(pid) && !alive(child) })
	close(goOn)
	<-held
	if a := w.send(""); a.err == nil { // what starts now ends at once
		t.Errorf("got %v after all was killed", a)
	}
	w.mayFail = true
}
