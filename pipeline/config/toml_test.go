package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dump writes a tree with the text that every node was read from.
func dump(b *strings.Builder, src *source, name string, n *node) {
	cut := func(sp span) string { return src.text[sp.start:sp.end] }
	fmt.Fprintf(b, "%s key=%q val=%q", name, cut(n.key), cut(n.val))
	if n.kind == scalar {
		fmt.Fprintf(b, " %T %v", n.value, n.value)
	}
	b.WriteByte('\n')
	for _, k := range n.keys {
		dump(b, src, joinDots(name, k), n.fields[k])
	}
	for i, item := range n.items {
		dump(b, src, name+index(i), item)
	}
}

// TestParse pins what we rely on of go-toml's unstable parser: kinds, data and ranges.
func TestParse(t *testing.T) {
	src := newSource("p.toml", `s = "a\tb"
l = 'a\tb' # comment
"quoted key" = 0x_no
`)
	if tree := parse(src, []byte(src.text)); !tree.broken || len(tree.diags) != 1 || tree.diags[0].Line != 3 {
		t.Errorf("got %v", tree.diags)
	}
	src = newSource("p.toml", `s = "a\tb"
l = 'a\tb' # comment
"q k" . 'x' = 0xff
i = -1_000
f = +1.5e3
inf = -inf
t = true
m = """
x"""
d = 2026-01-02
dt = 2026-01-02T03:04:05Z
a = [ 1, # one
  [ "]" , {} ], ]
in = { p . q = 1, r = [ { } ] , s = 'x' }
[ h . "i" ]
k = 1
[[ list ]]
k = 2
[[list]]
[list.sub]
`)
	tree := parse(src, []byte(src.text))
	if len(tree.diags) > 0 {
		t.Fatal(tree.diags)
	}
	var b strings.Builder
	for _, k := range tree.root.keys {
		dump(&b, src, k, tree.root.fields[k])
	}
	want := trim(`
s key="s" val="\"a\\tb\"" string a	b
l key="l" val="'a\\tb'" string a\tb
q k key="\"q k\"" val=""
q k.x key="'x'" val="0xff" int64 255
i key="i" val="-1_000" int64 -1000
f key="f" val="+1.5e3" float64 1500
inf key="inf" val="-inf" float64 -Inf
t key="t" val="true" bool true
m key="m" val="\"\"\"\nx\"\"\"" string x
d key="d" val="2026-01-02" toml.LocalDate 2026-01-02
dt key="dt" val="2026-01-02T03:04:05Z" time.Time 2026-01-02 03:04:05 +0000 UTC
a key="a" val="[ 1, # one\n  [ \"]\" , {} ], ]"
a[0] key="" val="1" int64 1
a[1] key="" val="[ \"]\" , {} ]"
a[1][0] key="" val="\"]\"" string ]
a[1][1] key="" val="{}"
in key="in" val="{ p . q = 1, r = [ { } ] , s = 'x' }"
in.p key="p" val=""
in.p.q key="q" val="1" int64 1
in.r key="r" val="[ { } ]"
in.r[0] key="" val="{ }"
in.s key="s" val="'x'" string x
h key="h" val=""
h.i key="h . \"i\"" val=""
h.i.k key="k" val="1" int64 1
list key="list" val=""
list[0] key="list" val=""
list[0].k key="k" val="2" int64 2
list[1] key="list" val=""
list[1].sub key="list.sub" val=""
`)
	if diff := cmp.Diff(want, trim(b.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
