package sts

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// redacted stands in for what must not be printed. Every type of this package
// that holds a secret prints and marshals without it.
const redacted = "[redacted]"

// String redacts: a session holds its secret, and the identity it speaks for.
func (s Session) String() string {
	return fmt.Sprintf("sts.Session{%s Expires:%s}", redacted, s.Expires.Format(time.RFC3339))
}

// GoString redacts.
func (s Session) GoString() string { return s.String() }

// Format redacts for every verb.
func (s Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalJSON redacts.
func (s Session) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct{ Expires time.Time }{s.Expires})
}

// String redacts the keys.
func (c BuiltinConfig) String() string {
	return fmt.Sprintf("sts.BuiltinConfig{AccountID:%s Keys:%d %s}", c.AccountID, len(c.Keys), redacted)
}

// GoString redacts.
func (c BuiltinConfig) GoString() string { return c.String() }

// Format redacts for every verb.
func (c BuiltinConfig) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalJSON redacts.
func (c BuiltinConfig) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct{ AccountID string }{c.AccountID})
}

// String redacts the keys.
func (b Builtin) String() string { return "sts.Builtin{" + redacted + "}" }

// GoString redacts.
func (b Builtin) GoString() string { return b.String() }

// Format redacts for every verb.
func (b Builtin) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.String()) }
