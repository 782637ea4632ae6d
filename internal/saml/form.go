package saml

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of a Response, before anything is believed of it. Real ones are nested ten deep; one
// with 500 groups has some 600 elements.
const (
	maxText       = 50_000 // bytes of base64: what a login may have at all
	maxDepth      = 32
	maxElements   = 1_024
	maxAttributes = 64 // of one element, declarations of namespaces with them
)

// Namespaces.
const (
	protocolSpace  = "urn:oasis:names:tc:SAML:2.0:protocol"
	assertionSpace = "urn:oasis:names:tc:SAML:2.0:assertion"
)

// decode takes the base64 off a Response. Line breaks in it do not matter; the alphabet of
// URLs is another one, and refused, as is what is left open at the end.
func decode(response string) ([]byte, error) {
	if len(response) > maxText {
		return nil, refuse(Form, fmt.Sprintf("the Response is longer than %d bytes", maxText))
	}
	document, err := base64.StdEncoding.Strict().DecodeString(response)
	if err != nil {
		detail := "the Response is not base64"
		if strings.ContainsAny(response, "-_") {
			detail += " of the standard alphabet (it may be that of URLs)"
		}
		return nil, refuse(Form, detail)
	}
	return document, nil
}

// seen is what a Response shows to a reader without keys. Nothing of it is proved.
type seen struct {
	destination string
	encrypted   bool            // its assertion is
	cbc         bool            // by a cipher without integrity
	sha1        bool            // something is signed or digested by it
	names       map[string]bool // of the elements in it
	assertions  int
	ids         map[string]bool
}

// outline reads a document once, for what must not be there at all: a document type and other
// markup that is no element, what is not well-formed though Go's reader takes it, more than
// one assertion, wherever it stands, an ID that stands twice, and more or deeper elements than
// any Response has.
func outline(document []byte) (*seen, error) {
	s := &seen{names: map[string]bool{}, ids: map[string]bool{}}
	reader := xml.NewDecoder(bytes.NewReader(document))
	for depth, elements := 0, 0; ; {
		token, err := reader.Token()
		if errors.Is(err, io.EOF) {
			return s, s.whole()
		}
		if err != nil || depth == 0 && elements > 0 && !between(token) {
			return nil, refuse(Form, notXML)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, refuse(Form, "the Response has a document type (<!DOCTYPE)")
		case xml.ProcInst:
			if t.Target != "xml" || elements > 0 {
				return nil, refuse(Form, "the Response has a processing instruction")
			}
		case xml.EndElement:
			depth--
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return nil, refuse(Form, fmt.Sprintf("the Response is nested more than %d deep", maxDepth))
			}
			if elements++; elements > maxElements {
				return nil, refuse(Form, fmt.Sprintf("the Response has more than %d elements", maxElements))
			}
			if err := s.element(t, elements == 1); err != nil {
				return nil, err
			}
		}
	}
}

const notXML = "the Response is not well-formed XML in UTF-8"

// between reports whether a token may stand behind the root element.
func between(token xml.Token) bool {
	switch t := token.(type) {
	case xml.CharData:
		return len(bytes.TrimSpace(t)) == 0
	case xml.Comment, xml.Directive: // the latter has a message of its own
		return true
	}
	return false
}

// attributesTwice reports whether an element has two attributes of one name.
func attributesTwice(all []xml.Attr) bool {
	for i, a := range all {
		for _, b := range all[:i] {
			if a.Name == b.Name {
				return true
			}
		}
	}
	return false
}

// element notes an element. Assertions are counted whatever their namespace is.
func (s *seen) element(t xml.StartElement, root bool) error {
	s.names[t.Name.Local] = true
	switch {
	case len(t.Attr) > maxAttributes:
		return refuse(Form, fmt.Sprintf("an element has more than %d attributes", maxAttributes))
	case attributesTwice(t.Attr):
		return refuse(Form, notXML)
	case root && t.Name == (xml.Name{Space: assertionSpace, Local: "Assertion"}):
		return refuse(Form, "it is an assertion alone: a login is the whole Response")
	case root && t.Name != (xml.Name{Space: protocolSpace, Local: "Response"}):
		return refuse(Form, "the document is not a Response of SAML 2.0")
	case t.Name.Local == "Assertion":
		s.assertions++
	case t.Name.Local == "EncryptedAssertion":
		s.assertions++
		s.encrypted = true
	}
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "xmlns":
		case t.Name.Local == "EncryptionMethod" && strings.HasSuffix(a.Value, "-cbc"):
			s.cbc = true
		case t.Name.Local == "SignatureMethod" && strings.HasSuffix(a.Value, "sha1"),
			t.Name.Local == "DigestMethod" && strings.HasSuffix(a.Value, "sha1") && !s.encrypted:
			s.sha1 = true
		case root && a.Name == (xml.Name{Local: "Destination"}):
			s.destination = a.Value
		case strings.EqualFold(a.Name.Local, "id"):
			if s.ids[a.Value] {
				return refuse(Form, "two elements have the same ID")
			}
			s.ids[a.Value] = true
		}
	}
	return nil
}

// whole judges what can only be said of a whole document.
func (s *seen) whole() error {
	switch {
	case len(s.names) == 0:
		return refuse(Form, "the Response is empty")
	case s.assertions > 1:
		return refuse(Form, "there is more than one assertion")
	}
	return nil
}
