package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/leatdev/leat/conformance/via"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins"
	"github.com/leatdev/leat/plugins/examples/signer/sign"
)

// servePlugin is the program leat-plugin of the scripts: the signer, which with UPGRADED set asks for more.
func servePlugin() {
	if os.Getenv("BROKEN") != "" {
		fmt.Fprintln(os.Stderr, `{"level":"error","msg":"no licence","customer":7}`)
		os.Exit(3)
	}
	switch key := os.Getenv("DEMO_SIGNER_KEY"); os.Getenv("LEAKY") {
	case "words":
		fmt.Fprintln(os.Stderr, "the key is "+key)
		fmt.Fprintf(os.Stderr, `{"level":"warn","msg":"started with %s","by":%[1]q}`+"\n", key)
	case "end":
		fmt.Fprintln(os.Stderr, "no use for "+key)
		os.Exit(3)
	case "stdout":
		fmt.Println("the key is " + key)
		os.Exit(3)
	}
	signer := sign.Factory()
	if os.Getenv("UPGRADED") != "" {
		more := signer.MostNeeds()
		more.Request.Headers, more.Retry = []string{"Cookie"}, true
		signer = signer.WithNeeds(more)
	}
	fmt.Fprintln(os.Stderr, "leat-plugin is ready")
	plugins.Serve(signer, pipeline.Define("nothing", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) }, nil
	}))
}

// serveHang is a plugin whose stage never ends, whatever becomes of its caller. It leaves the number of its process in a file.
func serveHang() {
	plugins.Serve(pipeline.Define("hang", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(*http.Request, http.RoundTripper) (*http.Response, error) {
			if err := os.WriteFile("pid", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
				return nil, err
			}
			select {}
		}, nil
	}))
}

// install puts the program leat-plugin into a folder: install bin. With a second argument the file is another one that does the same.
func install(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: install FOLDER [other]")
	}
	self, err := os.Executable()
	ts.Check(err)
	from, err := os.Open(self)
	ts.Check(err)
	defer from.Close()
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o700))
	to, err := os.OpenFile(ts.MkAbs(filepath.Join(args[0], "leat-plugin")), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o700)
	ts.Check(err)
	_, err = io.Copy(to, from)
	if err == nil && len(args) > 1 {
		_, err = to.WriteString("\n")
	}
	ts.Check(err)
	ts.Check(to.Close())
}

// losing is what leat-losing serves: stages that pass on what they see, but for the query.
func losing() []pipeline.Factory {
	all := via.Passing()
	all[0] = all[0].Around(func(pipeline.Stage, pipeline.Settings) (pipeline.Stage, error) {
		return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.URL.RawQuery = ""
			return next.RoundTrip(req)
		}), nil
	})
	needs := all[0].MostNeeds()
	needs.Request.Edit = []string{":url"}
	all[0] = all[0].WithNeeds(needs)
	return all
}
