package sts

import (
	"strconv"
	"time"
)

// Bounds of a session's life.
const (
	MinDuration = 15 * time.Minute
	MaxDuration = 12 * time.Hour
)

// Bounds of the names in a request. The identity's are ours: STS takes what the
// provider signed, while here they travel inside the session token.
const (
	minSessionName = 2
	maxSessionName = 64
	maxIdentity    = 255 // provider, audience, subject
	maxAMR         = 64
	maxAMREntry    = 2048
)

// check holds req against STS's constraints; the role comes back taken apart.
// The account is not looked at.
func (req *AssumeRequest) check() (role, error) {
	if err := req.checkConstraints(); err != nil {
		return role{}, err
	}
	if err := req.Identity.check(); err != nil {
		return role{}, err
	}
	r, ok := parseRole(req.RoleARN)
	if !ok {
		return role{}, &Error{Code: CodeValidation, Message: msgInvalidARN}
	}
	return r, nil
}

func (req *AssumeRequest) checkConstraints() error {
	if err := length("roleArn", req.RoleARN, minARN, maxARN); err != nil {
		return err
	}
	if err := length("roleSessionName", req.SessionName, minSessionName, maxSessionName); err != nil {
		return err
	}
	if !nameChars(req.SessionName) {
		return invalid("roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	if req.Duration < MinDuration {
		return invalid("durationSeconds", "Member must have value greater than or equal to 900")
	}
	if req.Duration > MaxDuration {
		return invalid("durationSeconds", "Member must have value less than or equal to 43200")
	}
	return nil
}

func (w *WebIdentity) check() error {
	for _, f := range []struct{ member, value string }{
		{"provider", w.Provider}, {"audience", w.Audience}, {"subject", w.Subject},
	} {
		if err := length(f.member, f.value, 1, maxIdentity); err != nil {
			return err
		}
	}
	if len(w.AMR) > maxAMR {
		return invalid("amr", "Member must have length less than or equal to "+strconv.Itoa(maxAMR))
	}
	for _, entry := range w.AMR {
		if err := length("amr", entry, 1, maxAMREntry); err != nil {
			return err
		}
	}
	return nil
}

func length(member, value string, lo, hi int) error {
	if len(value) < lo {
		return invalid(member, "Member must have length greater than or equal to "+strconv.Itoa(lo))
	}
	if len(value) > hi {
		return invalid(member, "Member must have length less than or equal to "+strconv.Itoa(hi))
	}
	return nil
}

// invalid words a broken constraint as the service does for members whose value
// it does not repeat.
func invalid(member, constraint string) error {
	return &Error{
		Code:    CodeValidation,
		Message: "1 validation error detected: Value at '" + member + "' failed to satisfy constraint: " + constraint,
	}
}
