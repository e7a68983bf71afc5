package redact

import "bytes"

// secretName reports whether a JSON key, form field, parameter or variable says by its name that its value is secret:
// whatever its case and separators, and also inside a longer name (user[password], clientSecret, X-Api-Key).
func (r *Redactor) secretName(name string) bool {
	var space [96]byte
	fold := foldName(space[:0], name)
	if len(fold) == 0 {
		return false
	}
	// Words first: short names are secret only where they stand alone.
	for rest := fold; len(rest) > 0; {
		word := rest
		if i := bytes.IndexByte(rest, ' '); i >= 0 {
			word, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		switch string(word) {
		case "pin", "otp", "totp", "pan", "cvv", "cvv2", "cvc", "cvc2", "ssn", "pwd", "jwt", "auth", "sid", "sig", "hmac", "creds", "passcode":
			return true
		}
	}
	flat := squeeze(fold)
	if r.keys[string(flat)] {
		return true
	}
	switch string(flat) {
	case "pass", "card", "session", "assertion", "bearer", "samlresponse", "codeverifier", "accountnumber", "iban", "cardholder",
		"csrf", "xsrf", "pincode":
		return true
	case "tokentype", "maxtokens", "prompttokens", "completiontokens", "totaltokens", "inputtokens", "outputtokens":
		return false
	}
	for _, part := range secretParts() {
		if bytes.Contains(flat, []byte(part)) {
			return true
		}
	}
	return false
}

// secretParam is secretName for the query of a URL, where two short names are secret too: Google's API key and the code
// of an OAuth login.
func (r *Redactor) secretParam(name string) bool {
	return name == "key" || name == "code" || r.secretName(name)
}

// Hides reports whether a header's value is secret by the header's canonical name, and so shown nowhere.
func (r *Redactor) Hides(header string) bool { return r.secretHeader(header) }

// secretHeader is secretName with what only headers have.
func (r *Redactor) secretHeader(canonical string) bool {
	if r.secretName(canonical) {
		return true
	}
	var space [96]byte
	fold := foldName(space[:0], canonical)
	return bytes.Contains(fold, []byte("session"))
}

// secretParts are secret wherever they stand in a name without separators.
func secretParts() [20]string {
	return [...]string{
		"password", "passwd", "passphrase", "passwort", "secret", "token", "apikey", "privatekey", "accesskey", "signingkey",
		"encryptionkey", "sharedkey", "credential", "cookie", "authorization", "signature", "sessionid", "sessionkey",
		"clientassertion", "cardnumber",
	}
}

// foldName appends name in lower case with one space between its words, which separators and changes of case part.
// Two letters fold to ASCII outside it (ſ and the Kelvin sign): encoding/json of many a server takes them for s and k.
func foldName(dst []byte, name string) []byte {
	start := len(dst)
	lower := false // the last byte was a lower-case letter or a digit
	for _, c := range name {
		switch c {
		case 'ſ':
			c = 's'
		case '\u212a':
			c = 'k'
		}
		switch {
		case 'A' <= c && c <= 'Z':
			if lower {
				dst = append(dst, ' ')
			}
			dst, lower = append(dst, byte(c)+'a'-'A'), false
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			dst, lower = append(dst, byte(c)), true
		default:
			if len(dst) > start && dst[len(dst)-1] != ' ' {
				dst = append(dst, ' ')
			}
			lower = false
		}
	}
	if len(dst) > start && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// squeeze takes the spaces out of fold, in place.
func squeeze(fold []byte) []byte {
	flat := fold[:0]
	for _, c := range fold {
		if c != ' ' {
			flat = append(flat, c)
		}
	}
	return flat
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
