package saml_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"
	dsig "github.com/russellhaering/goxmldsig"
)

// idp is an identity provider of our own, by the very library that verifies: for what needs
// more Responses than foreign signers made.
type idp struct {
	metadata []byte
	signing  *dsig.SigningContext
}

const idpName = "https://neighbour.example"

func newIDP(t testing.TB) *idp {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der := certificate(t, key, big.NewInt(1))
	signing, err := dsig.NewSigningContext(key, [][]byte{der})
	if err != nil {
		t.Fatal(err)
	}
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signing.IdAttribute = "ID"
	return &idp{metadata: metadataOf(idpName, der), signing: signing}
}

func certificate(t testing.TB, key crypto.Signer, serial *big.Int) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "idp"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func metadataOf(name string, certificates ...[]byte) []byte {
	var keys strings.Builder
	for _, der := range certificates {
		fmt.Fprintf(&keys, `<KeyDescriptor use="signing"><KeyInfo xmlns="%s"><X509Data><X509Certificate>%s`+
			`</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`, dsig.Namespace, base64.StdEncoding.EncodeToString(der))
	}
	return fmt.Appendf(nil, `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s">`+
		`<IDPSSODescriptor protocolSupportEnumeration="%s">%s</IDPSSODescriptor></EntityDescriptor>`,
		name, "urn:oasis:names:tc:SAML:2.0:protocol", keys.String())
}

// stamp writes a time as Responses do.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.999Z") }

// respond signs an assertion, and puts it into a Response.
func (i *idp) respond(t testing.TB, at time.Time, assertion string) []byte {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(assertion); err != nil {
		t.Fatal(err)
	}
	signed, err := i.signing.SignEnveloped(doc.Root())
	if err != nil {
		t.Fatal(err)
	}
	// The schema wants it behind the issuer, and the library anywhere.
	response := etree.NewDocument()
	if err := response.ReadFromString(fmt.Sprintf(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" `+
		`ID="_r" Version="2.0" IssueInstant="%s"><samlp:Status><samlp:StatusCode `+
		`Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:Response>`, stamp(at))); err != nil {
		t.Fatal(err)
	}
	response.Root().AddChild(signed)
	text, err := response.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// bytesOf is how much a function allocates.
func bytesOf(f func()) uint64 {
	var before, after runtime.MemStats
	f() // what is made once is made
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// encrypted is what anybody can make: the public key is no secret.
func encrypted(t testing.TB, p *peer, plain string) []byte {
	t.Helper()
	block, _ := pem.Decode(p.keys)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	encrypter := xmlenc.OAEP()
	encrypter.BlockCipher, encrypter.DigestMethod = xmlenc.AES256GCM, xmlenc.SHA1
	to, err := x509.ParseCertificate(certificate(t, key.(*rsa.PrivateKey), big.NewInt(1)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := encrypter.Encrypt(to, []byte(plain), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, p.response(t, "good"))
	at := m.assertion.Index()
	m.response.RemoveChild(m.assertion)
	outer := etree.NewElement("saml:EncryptedAssertion")
	outer.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	outer.AddChild(data)
	m.response.InsertChildAt(at, outer)
	return m.bytes(t)
}

// encryptedBombs are hidden from whoever looks at the Response alone.
func encryptedBombs(t testing.TB, p *peer) map[string][]byte {
	t.Helper()
	good := standalone(parse(t, p.response(t, "good")).assertion)
	doc := etree.NewDocument()
	doc.SetRoot(good)
	text, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	const room = 17_000 // what base64 twice and the envelope leave
	inside := func(more string) []byte {
		const end = "</saml:Assertion>"
		return encrypted(t, p, strings.Replace(text, end, "<saml:Advice>"+more+"</saml:Advice>"+end, 1))
	}
	var spaces, attributes strings.Builder
	for i := 0; attributes.Len() < room; i++ {
		fmt.Fprintf(&attributes, ` a%d=""`, i)
	}
	for i := range 60 {
		fmt.Fprintf(&spaces, ` xmlns:p%d="urn:p"`, i)
	}
	return map[string][]byte{
		"encrypted, wide":       inside(strings.Repeat("<a/>", room/4)),
		"encrypted, attributes": inside("<a" + attributes.String() + "/>"),
		"encrypted, deep":       inside(strings.Repeat("<a>", room/8) + strings.Repeat("</a>", room/8)),
		"encrypted, 60 namespaces": inside("<b" + spaces.String() + ">" +
			strings.Repeat("<a/>", (room-spaces.Len())/4) + "</b>"),
		"encrypted, laughs": encrypted(t, p, `<!DOCTYPE x [<!ENTITY a "`+strings.Repeat("a", room/2)+`">]>`+
			strings.Replace(text, ">alice<", ">"+strings.Repeat("&a;", room/8)+"<", 1)),
	}
}

// What is hidden in a ciphertext is refused as what stands in the open.
func TestEncryptedAttacks(t *testing.T) {
	t.Parallel()
	p := peerNamed(t, "xmlsec1")
	response := p.response(t, "good")
	from := p.provider(t, clockOf(t, response))
	for name, bomb := range encryptedBombs(t, p) {
		if _, err := from.Read(encode(bomb)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	m := parse(t, response)
	for _, attack := range wrappings {
		if attack.response {
			continue
		}
		m := parse(t, response)
		attack.wrap(m)
		doc := etree.NewDocument()
		doc.SetRoot(standalone(child(m.response, "Assertion")))
		text, err := doc.WriteToString()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := from.Read(encode(encrypted(t, p, text))); err == nil && got.NameID != "alice" {
			t.Errorf("%s: accepted for %q", attack.name, got.NameID)
		}
	}
	doc := etree.NewDocument()
	doc.SetRoot(standalone(m.assertion))
	text, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := from.Read(encode(encrypted(t, p, text))); err != nil || got.NameID != "alice" {
		t.Errorf("the assertion as it was signed: got %v, want a login", err)
	}
}
