package saml_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/saml"
)

// Each bound of time, a millisecond under it and at it or over it. Offsets are from
// IssueInstant.
func TestTimes(t *testing.T) {
	t.Parallel()
	const tick = time.Millisecond
	p := peerNamed(t, "xmlsec1")
	for _, c := range []struct {
		name, response string
		at             time.Duration
		refused        saml.Check
	}{
		{"the age of both", "good-open-end", saml.MaxAge, ""},
		{"the age of both", "good-open-end", saml.MaxAge + tick, saml.Expired},
		{"the age of a signed Response", "good-response-signed", saml.MaxAge, ""},
		{"the age of a signed Response", "good-response-signed", saml.MaxAge + tick, saml.Expired},
		{"ahead", "good-open-end", -saml.Skew, ""},
		{"ahead", "good-open-end", -saml.Skew - tick, saml.Early},
		{"NotBefore", "good-late", time.Minute - saml.Skew, ""},
		{"NotBefore", "good-late", time.Minute - saml.Skew - tick, saml.Early},
		{"NotOnOrAfter of the conditions", "good-short-conditions", 30*time.Second + saml.Skew - tick, ""},
		{"NotOnOrAfter of the conditions", "good-short-conditions", 30*time.Second + saml.Skew, saml.Expired},
		{"NotOnOrAfter of the confirmation", "good-short-confirmation", 30*time.Second + saml.Skew - tick, ""},
		{"NotOnOrAfter of the confirmation", "good-short-confirmation", 30*time.Second + saml.Skew, saml.Expired},
		{"SessionNotOnOrAfter", "good-session", 20*time.Second + saml.Skew - tick, ""},
		{"SessionNotOnOrAfter", "good-session", 20*time.Second + saml.Skew, saml.Expired},
		{"the age of an encrypted one", "good-encrypted", saml.MaxAge, ""},
		{"the age of an encrypted one", "good-encrypted", saml.MaxAge + tick, saml.Expired},
	} {
		response := p.response(t, c.response)
		_, err := p.provider(t, clockOf(t, response).Add(c.at)).Read(encode(response))
		if check := refusedBy(t, err); check != c.refused {
			t.Errorf("%s at %v: got %q (%v), want %q", c.name, c.at, check, err, c.refused)
		}
	}
}

// Metadata is relied on until its validUntil, wherever that stands, and the error says so
// before anything is said of a Response.
func TestMetadataExpires(t *testing.T) {
	t.Parallel()
	p := peerNamed(t, "xmlsec1")
	response := p.response(t, "good")
	now := clockOf(t, response)
	until := now.Add(time.Second)
	attribute := ` validUntil="` + until.Format(time.RFC3339) + `"`
	text := string(p.metadata)
	for name, metadata := range map[string]string{
		"of the entity": strings.Replace(text, "<md:EntityDescriptor", "<md:EntityDescriptor"+attribute, 1),
		"of its role":   strings.Replace(text, "<md:IDPSSODescriptor", "<md:IDPSSODescriptor"+attribute, 1),
		"of a federation": `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"` + attribute + `>` +
			text + `</md:EntitiesDescriptor>`,
		"of a federation's federation": `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"` +
			attribute + `><md:EntitiesDescriptor validUntil="2099-01-01T00:00:00Z">` + text +
			`</md:EntitiesDescriptor></md:EntitiesDescriptor>`,
	} {
		c := p.config(now)
		c.Metadata = []byte(metadata)
		from := provider(t, c)
		if err := from.Check(); err != nil {
			t.Errorf("%s: got %v a second before, want nil", name, err)
		}
		if _, err := from.Read(encode(response)); err != nil {
			t.Errorf("%s: got %v a second before, want a login", name, err)
		}
		c.Now = func() time.Time { return until }
		from = provider(t, c)
		_, err := from.Read(encode(response))
		for _, err := range []error{err, from.Check()} {
			expired, ok := errors.AsType[*saml.MetadataExpired](err)
			if !ok || !expired.At.Equal(until) {
				t.Errorf("%s: got %v at its end, want *MetadataExpired", name, err)
			}
		}
	}
}
