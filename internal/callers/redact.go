package callers

import (
	"encoding/json"
	"fmt"
	"io"
)

// redacted stands in for what must not be printed. Every type of this package
// that holds a secret prints and marshals without it.
const redacted = "[redacted]"

// String shows the name alone.
func (c Caller) String() string { return fmt.Sprintf("callers.Caller{%s %s}", c.name, redacted) }

// GoString redacts.
func (c Caller) GoString() string { return c.String() }

// Format redacts for every verb, also those that would walk the fields.
func (c Caller) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalJSON redacts.
func (c Caller) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// String shows the name alone.
func (c Config) String() string { return fmt.Sprintf("callers.Config{%s %s}", c.Name, redacted) }

// GoString redacts.
func (c Config) GoString() string { return c.String() }

// Format redacts for every verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalJSON redacts.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// String shows how many callers there are.
func (r Registry) String() string {
	return fmt.Sprintf("callers.Registry{%d callers %s}", len(r.names), redacted)
}

// GoString redacts.
func (r Registry) GoString() string { return r.String() }

// Format redacts for every verb.
func (r Registry) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalJSON redacts.
func (r Registry) MarshalJSON() ([]byte, error) { return json.Marshal(r.String()) }

// String shows the id alone, which is public.
func (k AccessKey) String() string { return fmt.Sprintf("callers.AccessKey{%s %s}", k.ID, redacted) }

// GoString redacts.
func (k AccessKey) GoString() string { return k.String() }

// Format redacts for every verb.
func (k AccessKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalJSON redacts.
func (k AccessKey) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// String redacts.
func (d Digest) String() string { return "callers.Digest{" + redacted + "}" }

// GoString redacts.
func (d Digest) GoString() string { return d.String() }

// Format redacts for every verb.
func (d Digest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// MarshalText redacts, and so does JSON by it.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String shows whose key it is.
func (k known) String() string { return fmt.Sprintf("callers.known{%s %s}", k.caller.name, redacted) }

// GoString redacts.
func (k known) GoString() string { return k.String() }

// Format redacts for every verb.
func (k known) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalJSON redacts.
func (k known) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }
