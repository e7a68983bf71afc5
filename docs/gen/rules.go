package main

import (
	"bytes"
	"fmt"

	"github.com/leatdev/leat/plugins/check"
)

// rulesPage lists what `leat plugin check` tries.
func rulesPage() []byte {
	var b bytes.Buffer
	b.WriteString("<!-- Generated from plugins/check/rules.go by `go generate ./docs`: change that, not this page. -->\n\n# Rules of a plugin\n\n" +
		"What `leat plugin check` holds a plugin against. [Plugins](plugins.md#the-wire-protocol) says more of each rule of the protocol, [the contract](contract.md) of each\n" +
		"rule of a stage. A rule that could not be tried is `skip`, with the reason; what a stage does only for requests of a certain kind, `--request` brings about.\n\n" +
		"## The protocol\n\n| rule | what a plugin does | what to do where it is broken | what it takes to try it |\n| --- | --- | --- | --- |\n")
	for _, r := range check.Wire() {
		needs := r.Needs
		if needs == "" {
			needs = "–"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.ID, cell(r.Sentence), cell(r.Advice), cell(needs))
	}
	b.WriteString("\n## The contract\n\nThe stage runs through the real host, in virtual time. What the plugin's process writes to its standard error is not held against `contract.quiet`.\n\n" +
		"| rule | what a stage does |\n| --- | --- |\n")
	for _, r := range check.Contract() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r.ID, cell(r.Sentence))
	}
	return b.Bytes()
}
