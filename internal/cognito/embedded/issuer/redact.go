package issuer

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// String leaves out the private part.
func (k Key) String() string {
	return fmt.Sprintf("issuer.Key{%s [redacted] Created:%s Retired:%s}", k.ID, k.Created.Format(time.RFC3339),
		k.Retired.Format(time.RFC3339))
}

// GoString leaves out the private part.
func (k Key) GoString() string { return k.String() }

// Format leaves out the private part, for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalJSON leaves out the private part.
func (k Key) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID               string
		Created, Retired time.Time
	}{k.ID, k.Created, k.Retired})
}

// String keeps the keys out of logs.
func (i *Issuer) String() string { return "issuer.Issuer(" + i.config.Issuer + ")" }

// GoString keeps the keys out of test output.
func (i *Issuer) GoString() string { return i.String() }
