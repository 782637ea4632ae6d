package saml

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/crewjam/saml"
)

// Formats of a NameID, and how a subject is confirmed.
const (
	TransientID    = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	PersistentID   = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	bearer         = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	maxNameID      = 1024 // bytes, as of every other subject
	controlRefused = "the NameID holds a control character, such as a line break"
)

// Login is what a Response proves. Its fields never change.
type Login struct {
	Issuer string // the provider's entityID
	// NameID is whose login it is: the whole text, as it is written.
	NameID string
	// Format is the NameID's, as it is written; empty: none is given.
	Format string
	// Audiences are all that the assertion names.
	Audiences []string
	// Attributes are the values by an attribute's full name, in their order. A value that is
	// no text is left out, so that an attribute may have none.
	Attributes map[string][]string
	// AuthnInstant is when the user signed in at the provider.
	AuthnInstant time.Time
	// Ends is when the proof does: at IssueInstant and MaxAge, or at a NotOnOrAfter before
	// that, of the conditions, the confirmation or the user's session. Skew may have let it
	// pass already.
	Ends time.Time
}

// Transient reports whether the NameID is made anew for each login, so that it says nothing of
// who a user is.
func (l *Login) Transient() bool { return l.Format == TransientID }

// String keeps the NameID out of logs.
func (l *Login) String() string { return "login by SAML at " + l.Issuer }

// GoString keeps NameID and attributes out of test output.
func (l *Login) GoString() string { return l.String() }

// readLogin makes the login of an assertion that the library has accepted, and checks what it
// does not.
func readLogin(a *saml.Assertion, now time.Time) (*Login, error) {
	ends, err := confirmed(a)
	if err != nil {
		return nil, err
	}
	l := &Login{
		Issuer: a.Issuer.Value, NameID: a.Subject.NameID.Value, Format: a.Subject.NameID.Format,
		AuthnInstant: a.AuthnStatements[0].AuthnInstant, Attributes: map[string][]string{},
	}
	if err := checkNameID(l.NameID); err != nil {
		return nil, err
	}
	l.Ends = earlier(earlier(a.IssueInstant.Add(MaxAge), a.Conditions.NotOnOrAfter), ends)
	for _, statement := range a.AuthnStatements {
		if until := statement.SessionNotOnOrAfter; until != nil && !until.IsZero() {
			if !now.Before(until.Add(Skew)) {
				return nil, refuse(Expired, "the user's session at the provider has ended (SessionNotOnOrAfter)")
			}
			l.Ends = earlier(l.Ends, *until)
		}
	}
	for i := range a.Conditions.AudienceRestrictions {
		for _, one := range a.Conditions.AudienceRestrictions[i].AllAudiences() {
			l.Audiences = append(l.Audiences, one.Value)
		}
	}
	for _, statement := range a.AttributeStatements {
		for _, attribute := range statement.Attributes {
			l.Attributes[attribute.Name] = append([]string{}, l.Attributes[attribute.Name]...)
			for _, value := range attribute.Values {
				if !value.Nil && value.NameID == nil {
					l.Attributes[attribute.Name] = append(l.Attributes[attribute.Name], value.Value)
				}
			}
		}
	}
	return l, nil
}

// confirmed wants exactly one confirmation of the kind bearer, and returns its end: the
// library is content if one of several is good.
func confirmed(a *saml.Assertion) (ends time.Time, err error) {
	bearers := 0
	for _, confirmation := range a.Subject.SubjectConfirmations {
		if confirmation.Method != bearer {
			continue
		}
		bearers++
		if data := confirmation.SubjectConfirmationData; data != nil {
			ends = data.NotOnOrAfter
		}
	}
	if bearers != 1 {
		return time.Time{}, refuse(Condition, "there is more than one bearer SubjectConfirmation")
	}
	return ends, nil
}

// checkNameID refuses a NameID that is nobody's, and what its readers may read in two ways.
func checkNameID(id string) error {
	switch {
	case strings.TrimSpace(id) == "":
		return refuse(Missing, "the NameID is empty")
	case len(id) > maxNameID:
		return refuse(Subject, fmt.Sprintf("the NameID is longer than %d bytes", maxNameID))
	case strings.ContainsFunc(id, unicode.IsControl):
		return refuse(Subject, controlRefused)
	}
	return nil
}
