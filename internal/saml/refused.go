package saml

import (
	"errors"
	"time"

	"github.com/crewjam/saml"
)

// Check is what refused a Response.
type Check string

// The checks.
const (
	Form       Check = "form"       // base64, XML, one assertion, bounds
	Status     Check = "status"     // the provider says that there was no login
	Signature  Check = "signature"  // no key of the metadata signed it, or by a refused algorithm
	Encryption Check = "encryption" // it cannot be decrypted, or may not be
	Issuer     Check = "issuer"     // another provider's
	Recipient  Check = "recipient"  // for another place: Destination or Recipient
	Audience   Check = "audience"   // for somebody else
	Expired    Check = "expired"    // too old
	Early      Check = "early"      // not valid yet
	Condition  Check = "condition"  // a condition, version or identifier that is not understood
	Missing    Check = "missing"    // what an assertion of a login must have
	Subject    Check = "subject"    // a NameID that names nobody, or is too long
)

// Refused says that a Response proves nothing, and by which check. It holds nothing of the
// Response.
type Refused struct {
	Check  Check
	Detail string // in words, for who set up the provider
}

func (r *Refused) Error() string { return r.Detail }

func refuse(check Check, detail string) error { return &Refused{Check: check, Detail: detail} }

// MetadataExpired says that a provider's metadata must not be relied on any more: whoever set
// up the provider needs to fetch it again. It says nothing about any Response.
type MetadataExpired struct {
	At time.Time
}

func (m *MetadataExpired) Error() string {
	return "the provider's metadata expired at " + m.At.UTC().Format(time.RFC3339) + " (validUntil): fetch it again"
}

// required are the elements without which an assertion is none of a login, in the order in
// which a reader looks for them.
var required = [...]string{
	"Assertion", "Subject", "NameID", "SubjectConfirmation", "SubjectConfirmationData", "Conditions", "AuthnStatement",
}

// reasons are the library's kinds of errors, the most special first. Its messages quote the
// Response, so that nothing of them is kept.
var reasons = [...]struct {
	kind   error
	check  Check
	detail string
}{
	{errWeak, Signature, "the signature is by an algorithm that is not accepted, such as SHA-1"},
	{errShape, Signature, "the signature does not cover exactly the element that holds it"},
	{saml.ErrDecryptionFailed, Encryption, "the assertion cannot be decrypted by a key that is configured"},
	{errAudience, Audience,
		"an AudienceRestriction is missing, or holds neither AWS's audience nor one that is configured"},
	{saml.ErrAudienceMismatch, Audience, "the AudienceRestriction is not for us"},
	{saml.ErrInvalidSignature, Signature, "the Response or its assertion is not signed by a key of the metadata"},
	{saml.ErrExpired, Expired, "IssueInstant is more than 5 minutes ago, or a NotOnOrAfter has passed or is missing"},
	{saml.ErrNotYetValid, Early, "IssueInstant or a NotBefore is ahead: a clock is wrong"},
	{saml.ErrIssuerMismatch, Issuer, "the Issuer is not the entityID of the metadata"},
	{saml.ErrDestinationMismatch, Recipient,
		"the Recipient or the Destination is missing, or neither AWS's nor configured"},
	{saml.ErrUnsupported, Condition, "a condition, a version or an identifier is not understood"},
}

// translate says in our words what the library refused. seen is what of the Response could be
// read without its keys.
func translate(err error, seen *seen) error {
	if _, ok := errors.AsType[saml.ErrBadStatus](err); ok {
		return refuse(Status, "the Status is not Success: the provider refused the login")
	}
	for _, r := range reasons {
		if errors.Is(err, r.kind) {
			if errors.Is(r.kind, saml.ErrInvalidSignature) && seen.cbc && !seen.names["Signature"] {
				return refuse(Encryption, "the assertion is encrypted by a cipher without integrity (CBC) in a Response "+
					"that is not signed: sign the Response, or encrypt by AES-GCM")
			}
			if errors.Is(r.kind, saml.ErrInvalidSignature) && seen.sha1 {
				return refuse(Signature, reasons[0].detail) // the library does not tell
			}
			return refuse(r.check, r.detail)
		}
	}
	switch {
	case errors.Is(err, saml.ErrMissingElement):
		return refuse(Missing, seen.missing())
	case errors.Is(err, saml.ErrMalformedMessage):
		return refuse(Form, "the Response is not of the form that the standard asks for")
	}
	return refuse(Signature, "neither the Response nor its assertion has a signature of its own")
}

// missing says what an assertion lacks. An encrypted one is not told in detail.
func (s *seen) missing() string {
	for _, name := range required {
		if !s.encrypted && !s.names[name] {
			return "the Response has no " + name
		}
	}
	return "the assertion lacks what one of a login has, such as a bearer SubjectConfirmation"
}
