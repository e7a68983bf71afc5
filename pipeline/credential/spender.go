package credential

// A Spender is a Source whose Obtain uses something up, such as a configured refresh token that the server rotates: it is called
// with the store's turn only, as Refresh is.
type Spender interface {
	// Spends reports whether that is so.
	Spends() bool
}

// Spends reports whether Obtain sends a refresh token, which most servers take once.
func (o *oauth2Source) Spends() bool { return o.config.Grant == "refresh_token" }
