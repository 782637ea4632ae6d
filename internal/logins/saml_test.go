package logins_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/saml"
	"github.com/cognito-broker/broker/internal/saml/samltest"
)

const corporate = "arn:aws:iam::123456789012:saml-provider/corporate"

// samlIssued is the IssueInstant of the Responses that xmlsec1 signed for package saml.
var samlIssued = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// signed is a file of them.
func signed(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "saml", "testdata", "xmlsec1", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func samlResponse(t testing.TB, name string) string {
	return base64.StdEncoding.EncodeToString(signed(t, name+".xml"))
}

func samlProver(t testing.TB, c *clock, edit func(*saml.Config)) *logins.Prover {
	t.Helper()
	config := &saml.Config{Metadata: signed(t, "metadata.xml"), DecryptionKeys: signed(t, "decryption.pem")}
	if edit != nil {
		edit(config)
	}
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: corporate, Kind: loginkey.SAML, SAML: config}}, Now: c.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func samlClock(after time.Duration) *clock {
	c := newClock()
	c.advance(samlIssued.Add(after).Sub(c.now()))
	return c
}

// A Response proves the NameID at the provider's ARN, with its attributes as claims, as often
// as it comes, until it ends.
func TestSAMLProof(t *testing.T) {
	t.Parallel()
	c := samlClock(0)
	p := samlProver(t, c, nil)
	for range 2 {
		proof, err := p.Prove(t.Context(), corporate, samlResponse(t, "good"))
		if err != nil {
			t.Fatal(err)
		}
		if proof.Provider != corporate || proof.Subject != "alice" || proof.ClientID != "" || len(proof.Audience) != 0 ||
			!proof.Expires.Equal(samlIssued.Add(5*time.Minute)) {
			t.Errorf("got %q at %q for %q until %v", proof.Subject, proof.Provider, proof.ClientID, proof.Expires)
		}
		if !proof.Holds(samlIssued.Add(5*time.Minute-1)) || proof.Holds(samlIssued.Add(5*time.Minute)) {
			t.Error("it does not hold for 5 minutes from IssueInstant")
		}
		if names := proof.ClaimNames(); !slices.Equal(names, []string{"mail", "saml:sub_type"}) {
			t.Errorf("got the claims %v", names)
		}
		for _, format := range []string{"%v", "%+v", "%#v"} {
			if text := fmt.Sprintf(format, proof); strings.Contains(text, "alice") {
				t.Errorf("%s: got %q", format, text)
			}
		}
	}
	c.advance(5*time.Minute + time.Millisecond)
	if _, err := p.Prove(t.Context(), corporate, samlResponse(t, "good")); err == nil {
		t.Error("a proof that was remembered outlives the Response")
	}
}

// A proof ends with whatever ends first, and a Response within the skew is taken each time.
func TestSAMLProofEnds(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]time.Duration{
		"good": 5 * time.Minute, "good-open-end": 5 * time.Minute, "good-short-conditions": 30 * time.Second,
		"good-short-confirmation": 30 * time.Second, "good-session": 20 * time.Second,
	} {
		proof, err := samlProver(t, samlClock(time.Minute), nil).Prove(t.Context(), corporate, samlResponse(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if at := samlIssued.Add(ends); !proof.Holds(at.Add(-1)) || proof.Holds(at) {
			t.Errorf("%s: it does not end %v after IssueInstant", name, ends)
		}
	}
}

// Claims are attributes by their full names: texts, or lists of several values and of none.
func TestSAMLClaims(t *testing.T) {
	t.Parallel()
	const role = "https://aws.amazon.com/SAML/Attributes/Role"
	for name, want := range map[string]map[string]any{
		"good": {"mail": "alice@idp.example", "saml:sub_type": "persistent"},
		"good-attributes": {"groups": []any{"a", "b", "c"}, "empty": "", "null": []any{},
			"urn:oid:1.3.6.1.4.1.5923.1.1.1.10": []any{}, "saml:sub_type": "persistent"},
		"good-transient":      {"mail": "alice@idp.example", "saml:sub_type": "transient"},
		"good-without-format": {"mail": "alice@idp.example"}, "good-format-as-attribute": {},
		"good-roles": {role: []any{
			"arn:aws:iam::123456789012:role/one," + corporate, corporate + ",arn:aws:iam::123456789012:role/path/two",
			"arn:aws:iam::999999999999:role/theirs,arn:aws:iam::999999999999:saml-provider/corporate",
			"arn:aws:iam::123456789012:role/alone"}, "saml:sub_type": "persistent"},
	} {
		proof, err := samlProver(t, samlClock(0), nil).Prove(t.Context(), corporate, samlResponse(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := map[string]any{}
		for _, claim := range proof.ClaimNames() {
			got[claim], _ = proof.Claim(claim)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want to got:\n%s", name, diff)
		}
	}
}

// What is refused is refused with a text for callers, and a cause that says which check it was.
func TestSAMLRefusals(t *testing.T) {
	t.Parallel()
	const none = "Invalid login token. Not a valid SAML response."
	for name, want := range map[string]string{
		"bad-stranger": "Invalid login token. Couldn't verify signed token.", "bad-status": none, "bad-doctype": none,
		"bad-sha1":   "Invalid login token. Couldn't verify signed token.",
		"bad-issuer": "Invalid login token. Issuer doesn't match providerName", "bad-no-authn": none,
		"bad-audience":  "Invalid login token. Incorrect token audience.",
		"bad-recipient": "Invalid login token. Incorrect token audience.", "bad-encrypted-cbc": none,
		"bad-confirmation-open": "Invalid login token. Token expired.", "bad-unknown-condition": none, "bad-name-long": none,
	} {
		_, err := samlProver(t, samlClock(0), nil).Prove(t.Context(), corporate, samlResponse(t, name))
		refused, ok := errors.AsType[*logins.Refused](err)
		if !ok || refused.Message != want {
			t.Errorf("%s: got %v, want %q", name, err, want)
			continue
		}
		if cause, ok := errors.AsType[*saml.Refused](err); !ok || cause.Detail == "" {
			t.Errorf("%s: got the cause %v, want that of package saml", name, errors.Unwrap(err))
		}
	}
	early := samlProver(t, samlClock(-4*time.Minute), nil)
	if _, err := early.Prove(t.Context(), corporate, samlResponse(t, "good")); err == nil ||
		err.Error() != "Invalid login token. Token is not valid yet." {
		t.Errorf("got %v before its time", err)
	}
}

// Metadata that has expired is no fault of the token's.
func TestSAMLMetadataExpires(t *testing.T) {
	t.Parallel()
	c := samlClock(0)
	p := samlProver(t, c, func(config *saml.Config) {
		config.Metadata = []byte(strings.Replace(string(config.Metadata), "<md:EntityDescriptor",
			`<md:EntityDescriptor validUntil="`+samlIssued.Add(time.Minute).Format(time.RFC3339)+`"`, 1))
	})
	want := "metadata of https://idp.example/saml with 3 usable signing certificates; it expires soon, at " +
		samlIssued.Add(time.Minute).Format(time.RFC3339) + " (validUntil): fetch it again"
	if found, err := p.Ask(t.Context(), corporate); err != nil || found != want {
		t.Errorf("got %q, %v before its end, want %q", found, err, want)
	}
	c.advance(time.Minute)
	_, proving := p.Prove(t.Context(), corporate, samlResponse(t, "good"))
	unavailable, ok := errors.AsType[*logins.Unavailable](proving)
	if !ok || unavailable.Provider != corporate {
		t.Errorf("got %v, want *Unavailable", proving)
	}
	_, asking := p.Ask(t.Context(), corporate)
	for _, err := range []error{proving, asking} {
		if _, ok := errors.AsType[*saml.MetadataExpired](err); !ok {
			t.Errorf("got %v, want *saml.MetadataExpired in it", err)
		}
	}
}

// Operators are told when metadata has expired: once, and at the start that it has not.
func TestSAMLMetadataIsWatched(t *testing.T) {
	t.Parallel()
	told := make(chan error, 10)
	config := &saml.Config{Metadata: []byte(strings.Replace(string(signed(t, "metadata.xml")), "<md:EntityDescriptor",
		`<md:EntityDescriptor validUntil="2000-01-01T00:01:30Z"`, 1))} // a bubble begins with 2000
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: corporate, Kind: loginkey.SAML, SAML: config}},
		OnFetch:   func(_ string, err error) { told <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(told) != 1 || <-told != nil {
			t.Error("before its end: got another word than one that it can be relied on")
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if len(told) != 1 {
		t.Fatalf("got %d words after its end, want one", len(told))
	}
	if _, ok := errors.AsType[*saml.MetadataExpired](<-told); !ok {
		t.Error("got another error than *saml.MetadataExpired")
	}
}

// Without metadata, and with what is none, there is no provider.
func TestSAMLConfiguration(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]*saml.Config{
		"none": nil, "no metadata": {}, "no XML": {Metadata: []byte("x")},
		"no key": {Metadata: signed(t, "metadata.xml"), DecryptionKeys: []byte("x")},
	} {
		_, err := logins.New(logins.Config{Providers: []logins.Provider{
			{Name: corporate, Kind: loginkey.SAML, SAML: config}}})
		if err == nil || !strings.Contains(err.Error(), corporate) {
			t.Errorf("%s: got %v, want the provider named", name, err)
		}
	}
}

// BenchmarkFirstProofOfSAML is BenchmarkFirstProof of a Response whose assertion is signed.
func BenchmarkFirstProofOfSAML(b *testing.B) {
	idp := samltest.New(b)
	config := &saml.Config{
		Metadata: idp.Metadata, Recipients: []string{samltest.SignIn}, Audiences: []string{samltest.SignIn},
	}
	p, err := logins.New(logins.Config{Providers: []logins.Provider{{Name: corporate, Kind: loginkey.SAML, SAML: config}}})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Stop()
	responses := make([]string, b.N)
	for n := range responses {
		responses[n] = idp.Respond(b, samltest.Login{User: fmt.Sprint(n)})
	}
	b.ResetTimer()
	for _, response := range responses {
		if _, err := p.Prove(b.Context(), corporate, response); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(rsaVerification()), "rsa")
}
