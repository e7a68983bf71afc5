package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// ModulePath is the module that holds the SDK for Go.
const ModulePath = "github.com/leatdev/leat"

// goVersion is what the SDK needs of the language.
const goVersion = "1.26.0"

// Module says where a project in Go has the SDK from: a released version, or a checkout.
type Module struct {
	Version string // as in v0.6.0
	SDK     string // the folder of a checkout, absolute; it wins over Version
}

var released = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-(alpha|beta|rc)\.?[0-9]*)?$`)

// Released reports whether a version, as the Go tool stamped it, is one that everybody can fetch.
func Released(version string) bool { return released.MatchString(version) }

// CheckSDK says what is wrong with a folder that should be a checkout of the SDK.
func CheckSDK(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no go.mod: it is the root of a checkout of %s that is wanted", dir, ModulePath)
	}
	if err != nil {
		return err
	}
	if !regexp.MustCompile(`(?m)^module ` + regexp.QuoteMeta(ModulePath) + `$`).Match(text) {
		return fmt.Errorf("%s/go.mod is of another module: it is the root of a checkout of %s that is wanted", dir, ModulePath)
	}
	return nil
}

// add writes go.mod, and go.sum where it can be known.
func (m Module) add(files map[string][]byte, name string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "module example.com/%s\n\ngo %s\n\n", name, goVersion)
	if m.SDK == "" {
		if m.Version == "" {
			return errors.New("no version of the SDK is known: name a checkout")
		}
		fmt.Fprintf(&b, "require %s %s\n", ModulePath, m.Version)
		files["go.mod"] = []byte(b.String())
		return nil
	}
	if err := CheckSDK(m.SDK); err != nil {
		return err
	}
	own, err := os.ReadFile(filepath.Join(m.SDK, "go.mod"))
	if err != nil {
		return err
	}
	if files["go.sum"], err = os.ReadFile(filepath.Join(m.SDK, "go.sum")); err != nil {
		return err
	}
	fmt.Fprintf(&b, "require %[1]s v0.0.0\n\n// The SDK is that of a checkout. For one that is released remove this line, and then: go get %[1]s@latest && go mod tidy\nreplace %[1]s => %[2]s\n",
		ModulePath, moduleFile(m.SDK))
	b.WriteString("\n// What the checkout requires, so that nothing has to be fetched; go mod tidy leaves what this program needs.\nrequire (\n")
	for _, line := range required(own) {
		fmt.Fprintf(&b, "\t%s // indirect\n", line)
	}
	b.WriteString(")\n")
	files["go.mod"] = []byte(b.String())
	return nil
}

// required returns the modules of a go.mod with their versions.
func required(text []byte) (lines []string) {
	for _, block := range regexp.MustCompile(`(?ms)^require \((.*?)^\)`).FindAllSubmatch(text, -1) {
		for line := range bytes.Lines(block[1]) {
			one, _, _ := strings.Cut(string(line), "//")
			if one = strings.TrimSpace(one); one != "" {
				lines = append(lines, one)
			}
		}
	}
	return lines
}

// moduleFile writes a path as go.mod has it.
func moduleFile(dir string) string {
	if strings.ContainsAny(dir, " \t\"'`,()[]{}") || strings.Contains(dir, "//") {
		return strconv.Quote(dir)
	}
	return dir
}
