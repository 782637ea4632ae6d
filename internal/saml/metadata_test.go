package saml_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/saml"
)

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// What metadata must be, and what of it is passed over.
func TestMetadata(t *testing.T) {
	t.Parallel()
	good := certificate(t, rsaKey(t, 2048), big.NewInt(1))
	weak := certificate(t, rsaKey(t, 1024), big.NewInt(1))
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curveKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, curve := certificate(t, edKey, big.NewInt(1)), certificate(t, curveKey, big.NewInt(1))
	one := string(metadataOf("urn:idp", good))
	many := make([][]byte, 40)
	for i := range many {
		many[i] = good
	}
	group := func(inside string) string {
		return `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">` + inside + `</EntitiesDescriptor>`
	}
	service := `<EntityDescriptor entityID="urn:sp"><SPSSODescriptor protocolSupportEnumeration="x"/></EntityDescriptor>`
	for name, c := range map[string]struct {
		text             string
		usable, unusable int
		refused          string
	}{
		"one key":  {text: one, usable: 1},
		"two keys": {text: string(metadataOf("urn:idp", good, curve)), usable: 2},
		"keys that are passed over": {
			text: string(metadataOf("urn:idp", weak, good, other, []byte("x"))), usable: 1, unusable: 3},
		"more keys than count":  {text: string(metadataOf("urn:idp", many...)), usable: 32, unusable: 8},
		"among services":        {text: group(service + one), usable: 1},
		"only keys that cannot": {text: string(metadataOf("urn:idp", weak, other)), refused: "no signing certificate"},
		"no key":                {text: string(metadataOf("urn:idp")), refused: "no signing certificate"},
		"only a key to encrypt with": {
			text: strings.Replace(one, "signing", "encryption", 1), refused: "no signing certificate"},
		"two identity providers": {text: group(one + one), refused: "holds 2 identity providers"},
		"a service alone":        {text: group(service), refused: "holds 0 identity providers"},
		"no name":                {text: string(metadataOf("", good)), refused: "no entityID"},
		"nothing":                {refused: "there is none"},
		"a web page":             {text: "<html><body/></html>", refused: "no EntityDescriptor"},
		"no XML":                 {text: "<EntityDescriptor", refused: "not well-formed"},
		"a document type":        {text: "<!DOCTYPE x>" + one, refused: "document type"},
		"too large":              {text: one + strings.Repeat(" ", 10_000_000), refused: "larger than"},
	} {
		p, err := saml.New(saml.Config{Metadata: []byte(c.text)})
		switch {
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%s: got %v, want %q", name, err, c.refused)
		case c.refused == "" && err != nil:
			t.Errorf("%s: got %v, want none", name, err)
		case c.refused == "":
			usable, unusable := p.Certificates()
			if usable != c.usable || unusable != c.unusable || p.EntityID() != "urn:idp" {
				t.Errorf("%s: got %d usable and %d unusable of %q, want %d and %d", name, usable, unusable, p.EntityID(),
					c.usable, c.unusable)
			}
		}
	}
}

// A provider changes its certificate: the new one is added, both sign for a while, and the old
// one is taken away. What a message brings along does not help.
func TestRollOver(t *testing.T) {
	t.Parallel()
	p := peerNamed(t, "xmlsec1")
	keys := regexp.MustCompile(`<md:KeyDescriptor.*?</md:KeyDescriptor>`).FindAllString(string(p.metadata), -1)
	without := func(i int) []byte { return []byte(strings.Replace(string(p.metadata), keys[i], "", 1)) }
	for name, c := range map[string]struct {
		metadata      []byte
		first, second bool
	}{
		"before": {without(1), true, false}, "during": {p.metadata, true, true}, "after": {without(0), false, true},
	} {
		for response, good := range map[string]bool{
			"good": c.first, "good-without-keyinfo": c.first, "good-other-keyinfo": c.first,
			"good-second-key": c.second, "good-second-key-without-keyinfo": c.second,
			"good-both-signed-by-two-keys": c.first && c.second,
		} {
			text := p.response(t, response)
			config := p.config(clockOf(t, text))
			config.Metadata = c.metadata
			if _, err := provider(t, config).Read(encode(text)); (err == nil) != good {
				t.Errorf("%s: %s: got %v, want it accepted: %t", name, response, err, good)
			}
		}
	}
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// Which keys to decrypt with are taken, and why others are not.
func TestDecryptionKeys(t *testing.T) {
	t.Parallel()
	metadata := metadataOf("urn:idp", certificate(t, rsaKey(t, 2048), big.NewInt(1)))
	good, weak := rsaKey(t, 2048), rsaKey(t, 1024)
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pemOf("PRIVATE KEY", der)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, refused string }{
		"none":                 {},
		"PKCS #8":              {text: pkcs8(good)},
		"PKCS #1":              {text: pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(good))},
		"with its certificate": {text: pemOf("CERTIFICATE", []byte("x")) + pkcs8(good)},
		"four":                 {text: strings.Repeat(pkcs8(good), 4)},
		"five":                 {text: strings.Repeat(pkcs8(good), 5), refused: "at most 4"},
		"short":                {text: pkcs8(weak), refused: "1024 bits"},
		"a curve's":            {text: pkcs8(curve), refused: "no RSA private key"},
		"damaged":              {text: pemOf("PRIVATE KEY", []byte("x")), refused: "no RSA private key"},
		"encrypted":            {text: pemOf("ENCRYPTED PRIVATE KEY", []byte("x")), refused: "is encrypted"},
		"a certificate alone":  {text: pemOf("CERTIFICATE", []byte("x")), refused: "no private key"},
		"no PEM":               {text: "x", refused: "no private key"},
	} {
		_, err := saml.New(saml.Config{Metadata: metadata, DecryptionKeys: []byte(c.text)})
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: got %v, want %q", name, err, c.refused)
		}
	}
}

// Recipients are URLs as Responses write them.
func TestConfiguredNames(t *testing.T) {
	t.Parallel()
	metadata := metadataOf("urn:idp", certificate(t, rsaKey(t, 2048), big.NewInt(1)))
	for name, c := range map[string]struct {
		recipients, audiences []string
		refused               string
	}{
		"none":              {},
		"a URL":             {recipients: []string{"https://a.example/saml?x=1"}},
		"no URL":            {recipients: []string{"broker"}, refused: "not a URL"},
		"a URL with blanks": {recipients: []string{"https://a.example/a b"}, refused: "not a URL"},
		"an empty one":      {recipients: []string{""}, refused: "not a URL"},
		"too many":          {recipients: make([]string, 101), refused: "more than 100"},
		"audiences":         {audiences: []string{"urn:x", "anything"}},
		"an empty audience": {audiences: []string{""}, refused: "empty"},
		"too many of them":  {audiences: make([]string, 101), refused: "more than 100"},
	} {
		_, err := saml.New(saml.Config{Metadata: metadata, Recipients: c.recipients, Audiences: c.audiences})
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: got %v, want %q", name, err, c.refused)
		}
	}
}
