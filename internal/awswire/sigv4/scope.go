package sigv4

import (
	"strings"
	"time"
)

const (
	basicDate  = "20060102T150405Z"
	httpDate   = "Mon, 02 Jan 2006 15:04:05 GMT"
	dayChars   = 8 // of a basicDate
	terminator = "aws4_request"
)

// parseCredential reads <access key>/<yyyymmdd>/<region>/<service>/aws4_request.
func parseCredential(value string) (Credential, error) {
	// One element more than allowed is enough to know.
	parts := strings.SplitN(value, "/", 6)
	if len(parts) != 5 {
		return Credential{}, incomplete(
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	c := Credential{AccessKeyID: parts[0], Date: parts[1], Region: parts[2], Service: parts[3]}
	if !validAccessKey(c.AccessKeyID) {
		return Credential{}, incomplete("Credential must begin with an access key id.")
	}
	if !validScopePart(c.Region) {
		return Credential{}, scope("Credential should be scoped to a valid region.")
	}
	if !validScopePart(c.Service) {
		return Credential{}, scope("Credential should be scoped to correct service.")
	}
	if parts[4] != terminator {
		return Credential{}, scope("Credential should be scoped with a valid terminator: 'aws4_request'.")
	}
	return c, nil
}

// setDate takes the time of signing, whose day the credential has to name.
// Formatting the time again refuses what time.Parse lets pass, such as
// fractions of a second.
func (s *Signed) setDate(value string) error {
	t, err := time.Parse(basicDate, value)
	if err != nil || t.Format(basicDate) != value {
		return incomplete("Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	if s.credential.Date != value[:dayChars] {
		return scope("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
	}
	s.date = t
	return nil
}

// validAccessKey takes [\w]{1,128}.
func validAccessKey(s string) bool {
	if len(s) < 1 || len(s) > maxAccessKey {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' {
			return false
		}
	}
	return true
}

// validScopePart takes what regions and services are named with.
func validScopePart(s string) bool {
	if len(s) < 1 || len(s) > maxScopePart {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}
