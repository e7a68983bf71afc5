// Package docs_test keeps the pages true: code that they quote is code that runs, files that they show pass the check, tables of words
// are complete, and links lead somewhere.
package docs_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

// block is a fenced block of a page.
type block struct {
	page string // from the module's root
	line int    // of the opening fence
	lang string
	mark string // what stands in the comment on the line before it
	text string
}

var marker = regexp.MustCompile(`^<!-- (.*) -->$`)

// pages lists every page of the docs, and how to contribute, from the module's root.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{"README.md", "CONTRIBUTING.md"}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".md") {
			list = append(list, path.Join("docs", filepath.ToSlash(p)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func read(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func blocks(t *testing.T, page string) []block {
	t.Helper()
	var all []block
	var open *block
	before, fence := "", ""
	for i, line := range strings.Split(read(t, page), "\n") {
		switch {
		case open != nil && line == fence:
			all, open = append(all, *open), nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(line, "```"):
			fence = "```"
			open = &block{page: page, line: i + 1, lang: strings.TrimPrefix(line, fence)}
			if m := marker.FindStringSubmatch(before); m != nil {
				open.mark = m[1]
			}
		}
		before = line
	}
	if open != nil {
		t.Errorf("%s:%d: the block is not closed", page, open.line)
	}
	return all
}

var update = flag.Bool("update", false, "write the code into the pages that quote it")

// Code is quoted as <!-- source: path#Name -->, before a block: the body of a test or example, the whole declaration of anything else;
// several names, joined by commas, stand one below the other; without a name it is the whole file. With -update it is written there.
func TestPages_quote_code_as_it_is(t *testing.T) {
	quoted := 0
	for _, page := range pages(t) {
		for _, b := range slices.Backward(blocks(t, page)) {
			ref, ok := strings.CutPrefix(b.mark, "source: ")
			if !ok {
				continue
			}
			quoted++
			want := quotation(t, ref)
			switch diff := cmp.Diff(want, b.text); {
			case diff == "":
			case *update:
				b.write(t, want)
			default:
				t.Errorf("%s:%d: %s reads otherwise; go test ./docs -update writes it anew (-source +page):\n%s", page, b.line, ref, diff)
			}
		}
	}
	if quoted == 0 {
		t.Error("no page quotes any code: is the mark written otherwise?")
	}
}

// write puts text in place of what the block holds.
func (b block) write(t *testing.T, text string) {
	t.Helper()
	lines := strings.SplitAfter(read(t, b.page), "\n")
	lines = slices.Replace(lines, b.line, b.line+strings.Count(b.text, "\n"), text)
	if err := os.WriteFile(filepath.Join("..", b.page), []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Error(err)
	}
}

func quotation(t *testing.T, ref string) string {
	t.Helper()
	file, names, ok := strings.Cut(ref, "#")
	if !ok {
		return read(t, file)
	}
	var parts []string
	for name := range strings.SplitSeq(names, ",") {
		parts = append(parts, declaration(t, file, name))
	}
	return strings.Join(parts, "\n")
}

// declaration returns the source of what file declares under name: "Do" or "Limit.Do" for a method.
func declaration(t *testing.T, file, name string) string {
	t.Helper()
	src := read(t, file)
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	cut := func(from, to token.Pos) string { return src[set.Position(from).Offset:set.Position(to).Offset] }
	for _, decl := range parsed.Decls {
		if declares(decl) != name {
			continue
		}
		from := decl.Pos()
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if strings.HasPrefix(name, "Example") || strings.HasPrefix(name, "Test") {
				return dedent(cut(d.Body.Lbrace+1, d.Body.Rbrace))
			}
			if d.Doc != nil {
				from = d.Doc.Pos()
			}
		case *ast.GenDecl:
			if d.Doc != nil {
				from = d.Doc.Pos()
			}
		}
		return cut(from, decl.End()) + "\n"
	}
	t.Errorf("%s declares no %s", file, name)
	return ""
}

func declares(decl ast.Decl) string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return d.Name.Name
		}
		of := d.Recv.List[0].Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		return of.(*ast.Ident).Name + "." + d.Name.Name
	case *ast.GenDecl:
		switch spec := d.Specs[0].(type) {
		case *ast.TypeSpec:
			return spec.Name.Name
		case *ast.ValueSpec:
			return spec.Names[0].Name
		}
	}
	return ""
}

func dedent(body string) string {
	lines := strings.Split(strings.Trim(body, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "\t")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n\t ") + "\n"
}

// A TOML block behind <!-- check --> is right. Behind <!-- mistakes --> it is wrong, and the next block of the page says how.
func TestPages_show_files_that_pass_the_check(t *testing.T) {
	registry, err := pipeline.NewRegistry(stages.All()...)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range pages(t) {
		all := blocks(t, page)
		for i, b := range all {
			if b.mark != "check" && b.mark != "mistakes" {
				continue
			}
			checked++
			err := check(b.text, registry)
			if b.mark == "check" && err != nil {
				t.Errorf("%s:%d:\n%v", page, b.line, err)
			}
			if b.mark == "mistakes" && (err == nil || i+1 == len(all)) {
				t.Errorf("%s:%d: nothing is wrong with it, or no block says what", page, b.line)
			} else if b.mark == "mistakes" {
				if diff := cmp.Diff(err.Error()+"\n", all[i+1].text); diff != "" && *update {
					all[i+1].write(t, err.Error()+"\n")
				} else if diff != "" {
					t.Errorf("%s:%d: the mistakes are others (-check +page):\n%s", page, b.line, diff)
				}
			}
		}
	}
	if checked == 0 {
		t.Error("no page shows a file: is the mark written otherwise?")
	}
}

func check(text string, registry *pipeline.Registry) error {
	if !strings.Contains(text, "version") { // an excerpt
		text = "version = 1\n" + text
	}
	f, err := config.Read("pipelines.toml", []byte(text))
	if f == nil {
		return err
	}
	_, err = pipeline.Check(f, registry)
	return err
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	code    = regexp.MustCompile("(?s)\n```.*?\n```|`[^`\n]+`")
)

func TestPages_link_to_what_is_there(t *testing.T) {
	anchors := map[string][]string{}
	for _, page := range pages(t) {
		for _, h := range heading.FindAllStringSubmatch(read(t, page), -1) {
			slug := strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")
			anchors[page] = append(anchors[page], slug)
		}
	}
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(read(t, page), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			to, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if to != "" {
				target = path.Join(path.Dir(page), to)
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, target)
			} else if anchor != "" && !slices.Contains(anchors[target], anchor) {
				t.Errorf("%s links to %s#%s, which has no such heading", page, target, anchor)
			}
		}
	}
}
