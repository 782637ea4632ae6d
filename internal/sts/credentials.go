package sts

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Credentials are temporary credentials of an assumed role. Printing and
// marshalling them shows the access key and the expiry and redacts the rest:
// who means to hand the secrets out reads the fields.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time // whole seconds, UTC
	AssumedRoleARN  string
	AssumedRoleID   string // role id, colon, session name
}

// String redacts.
func (c Credentials) String() string {
	return fmt.Sprintf("sts.Credentials{AccessKeyID:%s SecretAccessKey:%s SessionToken:%s Expiration:%s}",
		c.AccessKeyID, redacted, redacted, c.Expiration.Format(time.RFC3339))
}

// GoString redacts.
func (c Credentials) GoString() string { return c.String() }

// Format redacts for every verb, also those that would walk the fields.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalJSON redacts.
func (c Credentials) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		AccessKeyID     string
		SecretAccessKey string
		SessionToken    string
		Expiration      time.Time
	}{c.AccessKeyID, redacted, redacted, c.Expiration})
}
