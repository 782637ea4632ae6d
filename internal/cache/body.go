package cache

import (
	"bytes"
	"slices"
)

// Body is the whole answer to a request, as the memo keeps it: without the session token,
// which is most of an answer, and which the entry holds already. It does not change once it
// is made. It prints as a placeholder.
type Body struct {
	rest  []byte // nil: not kept
	token string // the entry's
	at    int    // where the token belongs in rest
}

// newBody copies a body. Where the token does not stand in it as it is, nothing is taken out.
func newBody(body []byte, token string) Body {
	at := bytes.Index(body, []byte(token))
	if at < 0 {
		return Body{rest: bytes.Clone(body)}
	}
	rest := make([]byte, 0, len(body)-len(token))
	rest = append(append(rest, body[:at]...), body[at+len(token):]...)
	return Body{rest: rest, token: token, at: at}
}

// AppendTo appends the answer to dst, byte for byte as it was given first.
func (b *Body) AppendTo(dst []byte) []byte {
	dst = slices.Grow(dst, len(b.rest)+len(b.token))
	dst = append(append(dst, b.rest[:b.at]...), b.token...)
	return append(dst, b.rest[b.at:]...)
}

// String, GoString and MarshalJSON keep secrets out of logs and test output.
func (Body) String() string               { return redacted }
func (Body) GoString() string             { return redacted }
func (Body) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
