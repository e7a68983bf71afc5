package validate

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// trees are paths that exercise every sort of step, deep enough to meet the fuzzer's texts.
func trees() [][]string {
	return [][]string{
		{"a"}, {"a.b", "b"}, {"items[].id"}, {"[].id"}, {"a[0]", "a[2].b"}, {"[][].a"}, {"a[].b", "a[1].c"}, {`["\ufffd"]`, `[""]`}, {"a.a.a.a", "a.b"}, {"items[]"},
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	var roots []*node
	for _, paths := range trees() {
		root, err := compilePaths(paths)
		if err != nil {
			f.Fatal(err)
		}
		roots = append(roots, root)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		s := scanner{src: src}
		got, want := s.scan(nil), json.Valid(src)
		if got != want {
			t.Fatalf("scan(%q) = %v (%s), json.Valid = %v", src, got, s.problem, want)
		}
		if !got {
			_ = s.explain()
		}
		for i, root := range roots {
			agree(t, root, trees()[i], src)
		}
	})
}

// agree compares the scan with the walk over the decoded value, which is slow and plain.
func agree(t interface{ Fatalf(string, ...any) }, root *node, paths []string, src []byte) {
	s := scanner{src: src}
	if !s.scan(root) || s.again {
		return
	}
	v, err := decode(src)
	if err != nil {
		t.Fatalf("decode(%q): %v", src, err)
	}
	var want violations
	w := walker{found: &want}
	w.walk(root, v)
	if s.found.more > 0 || want.more > 0 {
		return // which 50 are kept depends on the order
	}
	got := slices.Sorted(slices.Values(s.found.list))
	if diff := cmp.Diff(slices.Sorted(slices.Values(want.list)), got); diff != "" {
		t.Fatalf("%q asked of %q (-walk +scan):\n%s", paths, src, diff)
	}
	if ok := holds(paths, v); ok != s.found.empty() {
		t.Fatalf("%q asked of %q: reference says %v, found %q", paths, src, ok, s.found.list)
	}
}

// holds is the reference: each path by itself, without a tree.
func holds(paths []string, v any) bool {
	for _, p := range paths {
		steps, err := parsePath(p)
		if err != nil || !present(steps, v) {
			return false
		}
	}
	return true
}

func present(steps []step, v any) bool {
	if len(steps) == 0 {
		return true
	}
	switch s := steps[0]; s.kind {
	case stepName:
		m, ok := v.(map[string]any)
		member, there := m[s.name]
		return ok && there && present(steps[1:], member)
	case stepIndex:
		l, ok := v.([]any)
		return ok && s.index < len(l) && present(steps[1:], l[s.index])
	default:
		l, ok := v.([]any)
		for _, e := range l {
			ok = ok && present(steps[1:], e)
		}
		return ok
	}
}

// TestRequired is the property: a text is accepted if and only if it is JSON and every path is there.
func TestRequired(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths := rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "b", "a.b", "a.a.b", "c[]", "c[].a", "c[0]", "c[1].b", "c[][].a", "c[0].a", "d[3]", `["é"]`, `a["b.c"]`, `[""]`,
		}), 1, 6).Draw(t, "paths")
		root, err := compilePaths(paths)
		if err != nil {
			t.Skip("the paths contradict each other")
		}
		src, err := json.Marshal(value(3).Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		agree(t, root, paths, src)
	})
}

func value(depth int) *rapid.Generator[any] {
	leaves := rapid.SampledFrom([]any{nil, true, 1.5, "x", "é\"\\"})
	if depth == 0 {
		return leaves
	}
	names := rapid.SampledFrom([]string{"a", "b", "c", "d", "é", "b.c", ""})
	return rapid.OneOf(
		rapid.Map(rapid.MapOfN(names, rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) }), 0, 6), func(m map[string]any) any { return m }),
		rapid.Map(rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) }), 0, 4), func(l []any) any { return l }),
		leaves,
	)
}
