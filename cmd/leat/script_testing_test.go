package main

import "testing"

// TestTesting has docs/testing.md done from its beginning to its end, by one reader in one folder.
func TestTesting(t *testing.T) {
	p := readPage(t, "../../docs/testing.md", `in \d+\.\d s |time="\d+\.\d+"`)
	p.script("testing", p.text, func(string, string, string) {})
	for _, name := range []string{"pipelines.toml", "pipelines.test.toml"} {
		p.becomes(name, "../../docs/testing")
	}
	p.run("")
}
