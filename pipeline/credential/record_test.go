package credential

import (
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestRecord_says_what_it_gives(t *testing.T) {
	obtained := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	token := Token{Access: redact.NewSecret("A1"), Lifetime: 100 * time.Second} // advisory from 80 s, mandatory from 90 s
	for _, tc := range []struct {
		name    string
		record  Record
		age     time.Duration
		want    Status
		expires time.Time
	}{
		{"none", Record{}, 0, StatusEmpty, time.Time{}},
		{"fresh", Record{Generation: 1, Token: token, Obtained: obtained}, 79 * time.Second, StatusFresh, obtained.Add(100 * time.Second)},
		{"advisory", Record{Generation: 1, Token: token, Obtained: obtained}, 80 * time.Second, StatusAdvisory, obtained.Add(100 * time.Second)},
		{"expired", Record{Generation: 1, Token: token, Obtained: obtained}, 90 * time.Second, StatusExpired, obtained.Add(100 * time.Second)},
		{"no_lifetime", Record{Generation: 1, Token: Token{Access: token.Access}, Obtained: obtained}, time.Hour, StatusFresh, time.Time{}},
		{"refresh_token_only", Record{Generation: 1, Token: Token{Refresh: token.Access, Lifetime: time.Hour}, Obtained: obtained}, 0, StatusExpired, time.Time{}},
		{"dead", Record{Generation: 2, Token: token, Obtained: obtained, Ended: StatusDead}, 0, StatusDead, obtained.Add(100 * time.Second)},
		{"logged_out", Record{Generation: 2, Obtained: obtained, Ended: StatusClosed}, 0, StatusClosed, time.Time{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.record.Status(obtained.Add(tc.age)); got != tc.want {
				t.Errorf("status %q, want %q", got, tc.want)
			}
			if got := tc.record.Expires(); !got.Equal(tc.expires) {
				t.Errorf("expires %v, want %v", got, tc.expires)
			}
		})
	}
}
