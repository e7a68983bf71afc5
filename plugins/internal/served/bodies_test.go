package served

import "testing"

// TestBodies_of_a_number_that_came_again: an exchange that is still ending takes nothing of the one that has its number now.
func TestBodies_of_a_number_that_came_again(t *testing.T) {
	b := newBodies()
	old := b.claim(7, func([]byte) { t.Error("the old exchange got the body") })
	got := ""
	b.claim(7, func(data []byte) { got = string(data) })
	b.unclaim(7, old)
	b.mu.Lock()
	c := b.claims[7]
	b.mu.Unlock()
	if c == nil {
		t.Fatal("the new exchange's claim is gone")
	}
	if c.take([]byte("x")); got != "x" {
		t.Errorf("got %q", got)
	}

	left := b.announce(7, []byte("old"))
	now := b.announce(7, []byte("new"))
	b.withdraw(7, left)
	b.withdraw(7, nil)
	if b.leaving[7] != now {
		t.Error("the new exchange's body is gone")
	}
	if b.withdraw(7, now); len(b.leaving) != 0 {
		t.Error("a body is kept that nobody was told of")
	}
}
