package redact

import (
	"net/url"
	"testing"
)

func TestWith(t *testing.T) {
	r := New(Rules{Query: []string{"shop"}, Headers: []string{"X-Shop"}})
	own := r.With(Rules{Query: []string{"cart"}, Headers: []string{"X-Cart"}, Keys: []string{"shop", "x_shop"}})
	u, _ := url.Parse("https://e.x/?shop=1&cart=2&page=3")

	t.Run("adds_to_what_shows_and_takes_away_what_is_secret", func(t *testing.T) {
		if got, want := own.URL(u, false), "https://e.x/?shop=***&cart=2&page=3"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := own.Header("X-Cart", "2")+own.Header("X-Shop", "1"), "2***"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("leaves_the_one_it_came_from_alone", func(t *testing.T) {
		if got, want := r.URL(u, false), "https://e.x/?shop=1&cart=***&page=3"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("shares_what_was_learnt", func(t *testing.T) {
		r.Learn(NewSecret("c4n4ry-1"))
		own.Learn(NewSecret("c4n4ry-2"))
		for _, one := range []*Redactor{r, own} {
			if got, want := one.Text("c4n4ry-1 c4n4ry-2"), "*** ***"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}
