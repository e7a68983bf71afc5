package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version returns the module's version as the Go tool stamped it, or "devel".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

// versionReport is what `version -o json` prints.
type versionReport struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func (a *app) versionVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and what it was built with",
		Args:  between(0),
		RunE: func(*cobra.Command, []string) error {
			r := versionReport{version(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
			if a.json() {
				return a.writeJSON(r)
			}
			_, err := fmt.Fprintf(a.std.out, "leat %s, %s, %s/%s\n", r.Version, r.Go, r.OS, r.Arch)
			return err
		},
	}
}
