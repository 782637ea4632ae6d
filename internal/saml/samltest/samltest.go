// Package samltest is an identity provider of SAML for tests: it signs with the very library that
// verifies, so foreign Responses (testdata of package saml) show what it cannot.
package samltest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// SignIn is AWS's own recipient and audience.
const SignIn = "https://signin.aws.amazon.com/saml"

const entityID = "https://idp.example/saml"

// IDP signs Responses. It is safe for concurrent use.
type IDP struct {
	// Metadata is what a provider of the configuration trusts it by.
	Metadata []byte
	signing  *dsig.SigningContext
}

// New makes one with a key of its own.
func New(t testing.TB) *IDP {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	signing, err := dsig.NewSigningContext(key, [][]byte{der})
	if err != nil {
		t.Fatal(err)
	}
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signing.IdAttribute = "ID"
	metadata := fmt.Appendf(nil, `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s">`+
		`<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">`+
		`<KeyInfo xmlns="%s"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`+
		`</IDPSSODescriptor></EntityDescriptor>`, entityID, dsig.Namespace, base64.StdEncoding.EncodeToString(der))
	return &IDP{Metadata: metadata, signing: signing}
}

// Login is what a Response says. Its texts stand in XML as they are.
type Login struct {
	User                string
	At                  time.Time // IssueInstant; zero: now
	Recipient, Audience string    // empty: SignIn
	Issuer              string    // empty: the provider's own
	// Attributes are values by name.
	Attributes map[string][]string
}

// Respond makes the value of a login: the base64 of a Response whose assertion is signed, with an hour to live.
func (i *IDP) Respond(t testing.TB, l Login) string {
	t.Helper()
	if l.At.IsZero() {
		l.At = time.Now()
	}
	for text, other := range map[*string]string{&l.Recipient: SignIn, &l.Audience: SignIn, &l.Issuer: entityID} {
		if *text == "" {
			*text = other
		}
	}
	assertion := etree.NewDocument()
	if err := assertion.ReadFromString(l.assertion()); err != nil {
		t.Fatal(err)
	}
	signed, err := i.signing.SignEnveloped(assertion.Root())
	if err != nil {
		t.Fatal(err)
	}
	response := etree.NewDocument()
	if err := response.ReadFromString(fmt.Sprintf(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" `+
		`ID="_r" Version="2.0" IssueInstant="%s"><samlp:Status><samlp:StatusCode `+
		`Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:Response>`, stamp(l.At))); err != nil {
		t.Fatal(err)
	}
	response.Root().AddChild(signed)
	text, err := response.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(text)
}

func (l *Login) assertion() string {
	var attributes strings.Builder
	for name, values := range l.Attributes {
		fmt.Fprintf(&attributes, `<a:Attribute Name="%s">`, name)
		for _, value := range values {
			fmt.Fprintf(&attributes, `<a:AttributeValue>%s</a:AttributeValue>`, value)
		}
		attributes.WriteString(`</a:Attribute>`)
	}
	if attributes.Len() > 0 {
		attributes.WriteString(`</a:AttributeStatement>`)
	}
	statement := strings.Replace(attributes.String(), `<a:Attribute `, `<a:AttributeStatement><a:Attribute `, 1)
	return fmt.Sprintf(`<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0" `+
		`IssueInstant="%[1]s"><a:Issuer>%[2]s</a:Issuer><a:Subject><a:NameID>%[3]s</a:NameID>`+
		`<a:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><a:SubjectConfirmationData `+
		`NotOnOrAfter="%[4]s" Recipient="%[5]s"/></a:SubjectConfirmation></a:Subject><a:Conditions NotOnOrAfter="%[4]s">`+
		`<a:AudienceRestriction><a:Audience>%[6]s</a:Audience></a:AudienceRestriction></a:Conditions>`+
		`<a:AuthnStatement AuthnInstant="%[1]s"><a:AuthnContext/></a:AuthnStatement>%[7]s</a:Assertion>`,
		stamp(l.At), l.Issuer, l.User, stamp(l.At.Add(time.Hour)), l.Recipient, l.Audience, statement)
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.999Z") }
