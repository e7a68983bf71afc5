package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/leatdev/leat/docs"
)

const generated = "<!-- Generated from the source's comments by `go generate ./docs`: change them, not this page. -->\n\n"

func stagePage(t docs.Type) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s# %s\n\n%s.\n", generated, t.Name, t.Summary)
	body(&b, t, 2)
	b.WriteString("\nThe keys `use` and `when`, which every stage has, are explained in [options](../options.md#stagesname).\n")
	return b.Bytes()
}

func stageIndex(r docs.Reference) []byte {
	var b bytes.Buffer
	b.WriteString(generated + "# Stages\n\nWhat ships with leat; `leat stages` prints the same.\n\n| type | what it does |\n| --- | --- |\n")
	for _, t := range r.Stages {
		fmt.Fprintf(&b, "| [%s](%s.md) | %s |\n", t.Name, t.Name, cell(t.Summary))
	}
	return b.Bytes()
}

func credentialPage(r docs.Reference) []byte {
	var b bytes.Buffer
	b.WriteString(generated + "# Credentials\n\nA table `[credentials.NAME]` has the keys that [every credential has](options.md#credentialsname), and those of its `type`.\n" +
		"Where it keeps its tokens, a [store](#stores) says.\n")
	for _, t := range r.Credentials {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n", t.Name, t.Summary)
		body(&b, t, 3)
	}
	b.WriteString("\n## Stores\n\nA table `[stores.NAME]` has the keys that [every store has](options.md#storesname), and those of its `type`. A credential names it by `store = \"NAME\"`;\n" +
		"without that, it keeps its tokens in the process.\n")
	for _, t := range r.Stores {
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n", t.Name, t.Summary)
		body(&b, t, 4)
	}
	return b.Bytes()
}

func tablePage(r docs.Reference) []byte {
	var b bytes.Buffer
	b.WriteString(generated + "# Options\n\nThe tables of a file. Every file begins with `version = 1`.\n\n" +
		"A duration is a number with a unit, `\"250ms\"`, `\"1.5s\"`, `\"2m\"`; a size is `\"64KiB\"`, `\"1MiB\"`; conditions are expressions in a string,\n" +
		"`'request.method == \"GET\"'`. Unknown keys are errors.\n")
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "\n## [%s.NAME]\n\n%s.\n", t.Name, t.Summary)
		body(&b, t, 3)
	}
	return b.Bytes()
}

// body writes text, example and options below a heading of the level above.
func body(b *bytes.Buffer, t docs.Type, level int) {
	for _, p := range t.Text {
		fmt.Fprintf(b, "\n%s\n", plain(p))
	}
	fmt.Fprintf(b, "\n```toml\n%s\n```\n", strings.TrimSpace(t.Example))
	if len(t.Options) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s Options\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n", strings.Repeat("#", level))
	for _, o := range t.Options {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", o.Name, o.Type, cell(shown(o.Default)), cell(o.Text))
	}
}

// shown writes a default: values of the file as code, words as words.
func shown(def string) string {
	switch {
	case def == "":
		return "–"
	case strings.ContainsAny(def[:1], `"[0123456789`), def == "true", def == "false":
		return "`" + def + "`"
	}
	return def
}

// cell writes a text for a cell of a table.
func cell(s string) string { return strings.ReplaceAll(plain(s), "|", `\|`) }

// plain keeps the stars of a text from becoming emphasis, but for those between backticks.
func plain(s string) string {
	parts := strings.Split(s, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.ReplaceAll(parts[i], "*", `\*`)
	}
	return strings.Join(parts, "`")
}
