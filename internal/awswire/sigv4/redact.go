package sigv4

import (
	"encoding/json"
	"fmt"
	"io"
)

// redacted stands in for what must not be printed. Requests, their headers and
// what is parsed from them hold tokens; printed or marshalled, they show none.
const redacted = "[redacted]"

// String redacts the session token.
func (c Credential) String() string {
	return fmt.Sprintf("sigv4.Credential{%s/%s/%s/%s SessionToken:%s}",
		c.AccessKeyID, c.Date, c.Region, c.Service, redacted)
}

// GoString redacts.
func (c Credential) GoString() string { return c.String() }

// Format redacts for every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalJSON redacts.
func (c Credential) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// String shows the name alone: values may be secrets.
func (h Header) String() string { return h.Name + ": " + redacted }

// GoString redacts.
func (h Header) GoString() string { return h.String() }

// Format redacts for every verb.
func (h Header) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, h.String()) }

// MarshalJSON redacts.
func (h Header) MarshalJSON() ([]byte, error) { return json.Marshal(h.String()) }

// String shows the method and sizes.
func (r Request) String() string {
	return fmt.Sprintf("sigv4.Request{%s headers:%d body:%d %s}", r.Method, len(r.Headers), len(r.Body), redacted)
}

// GoString redacts.
func (r Request) GoString() string { return r.String() }

// Format redacts for every verb.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalJSON redacts.
func (r Request) MarshalJSON() ([]byte, error) { return json.Marshal(r.String()) }

// String shows the credential.
func (s Signed) String() string { return fmt.Sprintf("sigv4.Signed{%s}", s.credential) }

// GoString redacts.
func (s Signed) GoString() string { return s.String() }

// Format redacts for every verb.
func (s Signed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalJSON redacts.
func (s Signed) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
