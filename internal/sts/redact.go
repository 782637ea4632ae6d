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

// String redacts the identity.
func (w WebIdentity) String() string {
	return fmt.Sprintf("sts.WebIdentity{Provider:%s Audience:%s %s}", w.Provider, w.Audience, redacted)
}

// GoString redacts.
func (w WebIdentity) GoString() string { return w.String() }

// Format redacts for every verb.
func (w WebIdentity) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, w.String()) }

// MarshalJSON redacts.
func (w WebIdentity) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct{ Provider, Audience string }{w.Provider, w.Audience})
}

// String redacts all but the role and the life: session names and policies tend
// to name people.
func (req AssumeRequest) String() string {
	return fmt.Sprintf("sts.AssumeRequest{RoleARN:%s Duration:%s %s}", req.RoleARN, req.Duration, redacted)
}

// GoString redacts.
func (req AssumeRequest) GoString() string { return req.String() }

// Format redacts for every verb.
func (req AssumeRequest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, req.String()) }

// MarshalJSON redacts.
func (req AssumeRequest) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		RoleARN  string
		Duration time.Duration
	}{req.RoleARN, req.Duration})
}

// String redacts the token, and what an AssumeRequest redacts.
func (r Request) String() string {
	return fmt.Sprintf("sts.Request{RoleARN:%s Duration:%s Token:%s %s}", r.RoleARN, r.Duration, redacted, redacted)
}

// GoString redacts.
func (r Request) GoString() string { return r.String() }

// Format redacts for every verb.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalJSON redacts.
func (r Request) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		RoleARN  string
		Duration time.Duration
		Token    string
	}{r.RoleARN, r.Duration, redacted})
}

// String redacts the identity, and of the credentials what they redact.
func (r Response) String() string {
	return fmt.Sprintf("sts.Response{%s Provider:%s Audience:%s %s}", r.Credentials, r.Provider, r.Audience, redacted)
}

// GoString redacts.
func (r Response) GoString() string { return r.String() }

// Format redacts for every verb.
func (r Response) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalJSON redacts.
func (r Response) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Credentials        Credentials
		Provider, Audience string
	}{r.Credentials, r.Provider, r.Audience})
}
