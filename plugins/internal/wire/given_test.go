package wire

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadHeaders: what was given stays as it was, whatever is done to the header made of it.
func TestReadHeaders(t *testing.T) {
	names := &Names{Of: http.CanonicalHeaderKey}
	h, given := ReadHeaders([]*Header{
		{Name: "x-many", Value: []byte("1")}, {Name: "accept", Value: []byte("a")}, {Name: "x-many", Value: []byte("2")}, {Name: "x-many", Value: []byte("3")},
	}, names)
	if diff := cmp.Diff(http.Header{"X-Many": {"1", "2", "3"}, "Accept": {"a"}}, h); diff != "" {
		t.Error(diff)
	}
	h["X-Many"][0] = "changed"
	h["Accept"] = append(h["Accept"], "another")
	want := Given{{"Accept", "a"}, {"X-Many", "1"}, {"X-Many", "2"}, {"X-Many", "3"}}
	if diff := cmp.Diff(want, given); diff != "" {
		t.Error(diff)
	}
	for name, one := range map[string]Given{"Accept": given[:1], "X-Many": given[1:]} {
		if !given.Has(name) || one.Equal(h[name]) || one.Equal(nil) {
			t.Errorf("%s: %v is taken for %v", name, one, h[name])
		}
	}
	if given.Has("X") || !given[1:].Equal([]string{"1", "2", "3"}) || given[1:].Equal([]string{"1", "2"}) || given[1:].Equal([]string{"1", "2", "3", "4"}) {
		t.Error("what is there is not known")
	}
}
