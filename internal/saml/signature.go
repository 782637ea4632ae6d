package saml

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// Algorithms that are accepted. Those of transforms are all that SAML allows (SAML Core,
// section 5.4.4).
var (
	signatureMethods = []string{
		dsig.RSASHA256SignatureMethod, dsig.RSASHA384SignatureMethod, dsig.RSASHA512SignatureMethod,
		dsig.ECDSASHA256SignatureMethod, dsig.ECDSASHA384SignatureMethod, dsig.ECDSASHA512SignatureMethod,
	}
	digestMethods = []string{
		"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384",
		"http://www.w3.org/2001/04/xmlenc#sha512",
	}
	transforms = []string{
		dsig.EnvelopedSignatureAltorithmId.String(), dsig.CanonicalXML10ExclusiveAlgorithmId.String(),
		dsig.CanonicalXML10ExclusiveWithCommentsAlgorithmId.String(),
	}
)

var (
	errWeak  = errors.New("an algorithm is not accepted")
	errShape = errors.New("a signature is not of the form that is accepted")
)

// verify returns what the signature that stands in an element covers, judged by the
// certificates of the metadata alone. It changes el.
func (m *metadata) verify(el *etree.Element) (*etree.Element, error) {
	signature, err := ownSignature(el)
	if err != nil {
		return nil, err
	}
	for _, child := range signature.ChildElements() {
		switch child.Tag {
		case dsig.KeyInfoTag:
			signature.RemoveChild(child)
		case dsig.SignatureValueTag:
			child.SetText(asGoReadsIt(child.Text()))
		}
	}
	withoutComments(el, signature)
	for _, certificate := range m.certificates {
		store := &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}}
		if signed, err := dsig.NewDefaultValidationContext(store).Validate(el); err == nil {
			return signed, nil
		}
	}
	return nil, errors.New("no certificate of the metadata verifies the signature")
}

// asGoReadsIt turns a signature by ECDSA from the form of XML Signature, two numbers of the
// same length (section 6.4.3), into the one that Go reads. A signature by RSA is longer.
func asGoReadsIt(value string) string {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	if err != nil || !slices.Contains([]int{2 * 32, 2 * 48, 2 * 66}, len(raw)) { // P-256, P-384, P-521
		return value
	}
	half := len(raw) / 2
	der, err := asn1.Marshal(struct{ R, S *big.Int }{
		new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:]),
	})
	if err != nil {
		return value
	}
	return base64.StdEncoding.EncodeToString(der)
}

// withoutComments takes the comments out of what a reference to an ID speaks of, which never
// holds them, whatever canonicalization says (XML Signature, section 4.4.3.3). The library
// below would sign them. What is then read is the text across them.
func withoutComments(el, signature *etree.Element) {
	if el == signature {
		return
	}
	for i := len(el.Child) - 1; i >= 0; i-- {
		switch inner := el.Child[i].(type) {
		case *etree.Comment:
			el.RemoveChildAt(i)
		case *etree.Element:
			withoutComments(inner, signature)
		}
	}
}

// ownSignature finds the one signature that an element may have, its child.
func ownSignature(el *etree.Element) (*etree.Element, error) {
	var own *etree.Element
	for _, child := range el.ChildElements() {
		if isSignature(child) {
			if own != nil {
				return nil, errShape
			}
			own = child
		}
	}
	if own == nil {
		return nil, errShape
	}
	if err := (&bounds{ids: map[string]bool{}}).check(el, 1); err != nil {
		return nil, err
	}
	return own, checkSignature(own)
}

func isSignature(el *etree.Element) bool {
	return el.Tag == dsig.SignatureTag && el.NamespaceURI() == dsig.Namespace
}

// checkSignature refuses what a signature may hold beside what signs (a ds:Object could hold
// whatever was signed before), and algorithms that are not listed.
func checkSignature(signature *etree.Element) error {
	for _, child := range signature.ChildElements() {
		switch child.Tag {
		case dsig.SignedInfoTag, dsig.SignatureValueTag, dsig.KeyInfoTag:
		default:
			return errShape
		}
	}
	for tag, accepted := range map[string][]string{
		dsig.SignatureMethodTag: signatureMethods, dsig.DigestMethodTag: digestMethods, dsig.TransformTag: transforms,
	} {
		for _, el := range signature.FindElements("./SignedInfo//" + tag) {
			if !slices.Contains(accepted, el.SelectAttrValue(dsig.AlgorithmAttr, "")) {
				return errWeak
			}
		}
	}
	return nil
}

// bounds holds what outline asks of a Response for an element that was read in another way:
// out of a ciphertext.
type bounds struct {
	elements int
	ids      map[string]bool
}

func (b *bounds) check(el *etree.Element, depth int) error {
	if b.elements++; b.elements > maxElements || depth > maxDepth {
		return errShape
	}
	for _, a := range el.Attr {
		if a.Space != "xmlns" && strings.EqualFold(a.Key, "id") {
			if b.ids[a.Value] {
				return errShape
			}
			b.ids[a.Value] = true
		}
	}
	for _, token := range el.Child {
		switch inner := token.(type) {
		case *etree.Directive, *etree.ProcInst:
			return errShape
		case *etree.Element:
			if el.Tag != "Response" && (inner.Tag == "Assertion" || inner.Tag == "EncryptedAssertion") {
				return errShape
			}
			if err := b.check(inner, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
