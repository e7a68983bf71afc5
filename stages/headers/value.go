package headers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
)

// Value is what a header is set to: one of the three. The file writes a string for Text, { expr = '…' } or { uuid = true }.
type Value struct {
	// Text is the value itself.
	Text string
	// Expr computes the value from the request as it comes to the stage. Where it gives "" the header is left out.
	Expr cond.RequestText `toml:"expr"`
	// UUID is a new random UUID (version 4) each time that a request passes the stage. Outside retry that is once a call, the
	// same on each resend; inside retry each attempt has its own. A redirect hop is a call of its own.
	UUID bool `toml:"uuid"`
}

const valueHint = `write a string, { expr = 'call.operation' } or { uuid = true }`

// UnmarshalConfig reads a value as the file writes it.
func (v *Value) UnmarshalConfig(value any) error {
	switch value := value.(type) {
	case string:
		*v = Value{Text: value}
		return nil
	case map[string]any:
		return v.fromTable(value)
	}
	return &pipeline.ConfigError{Message: "a header's value is a string or a table", Advice: valueHint}
}

func (v *Value) fromTable(table map[string]any) error {
	if len(table) != 1 {
		return &pipeline.ConfigError{Message: "a header's value has exactly one key, expr or uuid", Advice: valueHint}
	}
	for key, value := range table {
		switch key {
		case "expr":
			return v.fromExpr(value)
		case "uuid":
			if on, ok := value.(bool); !ok || !on {
				return &pipeline.ConfigError{Path: "uuid", Message: "uuid can only be true", Advice: "leave the header out to switch it off"}
			}
			*v = Value{UUID: true}
			return nil
		}
		return &pipeline.ConfigError{Message: fmt.Sprintf("unknown key %q", key), Advice: valueHint}
	}
	return nil
}

func (v *Value) fromExpr(value any) error {
	text, ok := value.(string)
	if !ok {
		return &pipeline.ConfigError{Path: "expr", Message: "expr is an expression in a string", Advice: `expr = 'call.operation'`}
	}
	expr, err := cond.ParseText[cond.RequestEnv](text)
	if at, ok := errors.AsType[*cond.Error](err); ok {
		return exprError{at}
	}
	if err != nil {
		return err
	}
	*v = Value{Expr: expr}
	return nil
}

// exprError is an expression that does not compile. It tells the loader the key and the place in the string there.
type exprError struct{ cause *cond.Error }

func (e exprError) Error() string { return e.cause.Error() }

// ConfigPath is the key of the value's table.
func (e exprError) ConfigPath() string { return "expr" }

// Offset is where in the string the mistake begins, in runes.
func (e exprError) Offset() int { return e.cause.Offset() }

// Length is how many runes are wrong there.
func (e exprError) Length() int { return e.cause.Length() }

// Hint says what to do about it.
func (e exprError) Hint() string { return e.cause.Hint() }

// check judges the value of a header of this canonical name.
func (v Value) check(name string) error {
	kinds := 0
	for _, is := range []bool{v.Text != "", !v.Expr.IsZero(), v.UUID} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return &pipeline.ConfigError{Message: name + " has an empty value", Advice: fmt.Sprintf("remove = [%q] leaves the header out", name)}
	case kinds > 1:
		return &pipeline.ConfigError{Message: name + " has more than one value", Advice: valueHint}
	case !fits(v.Text):
		return &pipeline.ConfigError{Message: "the value of " + name + " holds a line break or another control character", Advice: "no header can carry it"}
	case v.Text != "" && strings.TrimSpace(v.Text) != v.Text:
		return &pipeline.ConfigError{Message: "the value of " + name + " begins or ends with a space", Advice: "a header's value can't; take it out"}
	}
	return nil
}

// value computes what the header is to be, "" for nothing.
func (v Value) value(env func() cond.RequestEnv) (string, error) {
	switch {
	case v.UUID:
		return newUUID(), nil
	case v.Expr.IsZero():
		return v.Text, nil
	}
	text, err := v.Expr.Eval(env())
	if err != nil {
		return "", err
	}
	if !fits(text) {
		return "", errors.New("the expression gave a line break or another control character, which no header can carry")
	}
	return text, nil
}

// newUUID returns a random UUID, version 4 (RFC 9562 §5.4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// fits reports whether a header can carry text (RFC 9110 §5.5).
func fits(text string) bool {
	for i := range len(text) {
		if b := text[i]; b < ' ' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return true
}

// refusal says why no file may set or remove the header of this canonical name, with what to do instead; "" if it may.
func refusal(name string) (why, advice string) {
	switch name {
	case "Host":
		return "Host follows from the URL", "change base_url"
	case "Content-Length", "Transfer-Encoding", "Trailer":
		return name + " follows from the body", "the transport writes it"
	case "Connection", "Keep-Alive", "Upgrade", "Te":
		return name + " belongs to the connection, not to the request", "the transport writes it"
	}
	if strings.HasPrefix(name, "Proxy-") {
		return name + " is between the transport and its proxy", "set proxy in [transports.NAME]"
	}
	return "", ""
}

// carriesCredential reports whether a header of this canonical name is there to prove who sends the request.
func carriesCredential(name string) bool {
	switch name {
	case "Authorization", "Cookie", "X-Api-Key", "Api-Key", "Apikey", "X-Auth-Token", "X-Access-Token", "Private-Token":
		return true
	}
	return false
}
