package saml_test

import (
	"bytes"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/saml"
)

// message is a Response that a foreign signer made, for an attacker to rearrange.
type message struct {
	doc       *etree.Document
	response  *etree.Element
	assertion *etree.Element
}

func parse(t testing.TB, document []byte) *message {
	t.Helper()
	m := &message{doc: etree.NewDocument()}
	if err := m.doc.ReadFromBytes(document); err != nil {
		t.Fatal(err)
	}
	m.response = m.doc.Root()
	m.assertion = child(m.response, "Assertion")
	return m
}

func (m *message) bytes(t testing.TB) []byte {
	t.Helper()
	text, err := m.doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func child(el *etree.Element, tag string) *etree.Element {
	for _, c := range el.ChildElements() {
		if c.Tag == tag {
			return c
		}
	}
	return nil
}

// take removes a child, and returns it.
func take(el *etree.Element, tag string) *etree.Element {
	c := child(el, tag)
	if c != nil {
		el.RemoveChild(c)
	}
	return c
}

// standalone is a copy of an element that declares the prefixes it needs.
func standalone(el *etree.Element) *etree.Element {
	c := el.Copy()
	for outer := el.Parent(); outer != nil; outer = outer.Parent() {
		for _, a := range outer.Attr {
			if (a.Space == "xmlns" || a.Key == "xmlns") && c.SelectAttr(a.FullKey()) == nil {
				c.CreateAttr(a.FullKey(), a.Value)
			}
		}
	}
	return c
}

// evil is a copy of a Response or an assertion with another user, another ID and no signature.
func evil(el *etree.Element) *etree.Element {
	c := standalone(el)
	take(c, "Signature")
	c.CreateAttr("ID", "_evil")
	for _, name := range c.FindElements("//NameID") {
		name.SetText("admin")
	}
	return c
}

// bare is a copy of a Response or an assertion without its signature: what was signed.
func bare(el *etree.Element) *etree.Element {
	c := standalone(el)
	take(c, "Signature")
	return c
}

func put(parent *etree.Element, index int, el *etree.Element) { parent.InsertChildAt(index, el) }

// extensions is the element in which a Response may hold anything, before its Status.
func (m *message) extensions() *etree.Element {
	e := etree.NewElement(m.response.Space + ":Extensions")
	put(m.response, child(m.response, "Status").Index(), e)
	return e
}

// wrappings are the eight of "On Breaking SAML" (Somorovsky and others, 2012) as SAML Raider
// numbers them, and their relatives.
var wrappings = []struct {
	name     string
	response bool // it needs a Response that is signed, not an assertion
	wrap     func(m *message)
}{
	{"XSW1, the signed Response inside the signature", true, func(m *message) {
		outer, signature := evil(m.response), take(m.response, "Signature")
		signature.AddChild(bare(m.response))
		put(outer, 1, signature)
		m.doc.SetRoot(outer)
	}},
	{"XSW2, the signed Response before the signature", true, func(m *message) {
		outer, signature := evil(m.response), take(m.response, "Signature")
		put(outer, 1, bare(m.response))
		put(outer, 2, signature)
		m.doc.SetRoot(outer)
	}},
	{"XSW3, another assertion before the signed one", false, func(m *message) {
		put(m.response, m.assertion.Index(), evil(m.assertion))
	}},
	{"XSW3, another assertion after the signed one", false, func(m *message) {
		m.response.AddChild(evil(m.assertion))
	}},
	{"XSW4, another assertion around the signed one", false, func(m *message) {
		outer, at := evil(m.assertion), m.assertion.Index()
		m.response.RemoveChild(m.assertion)
		outer.AddChild(m.assertion)
		put(m.response, at, outer)
	}},
	{"XSW5, the signature in another assertion, the signed one behind", false, func(m *message) {
		outer, at := evil(m.assertion), m.assertion.Index()
		put(outer, 1, take(m.assertion, "Signature"))
		m.response.RemoveChild(m.assertion)
		put(m.response, at, outer)
		m.response.AddChild(m.assertion)
	}},
	{"XSW6, the signed assertion inside the signature of another", false, func(m *message) {
		outer, signature, at := evil(m.assertion), take(m.assertion, "Signature"), m.assertion.Index()
		signature.AddChild(bare(m.assertion))
		put(outer, 1, signature)
		m.response.RemoveChild(m.assertion)
		put(m.response, at, outer)
	}},
	{"XSW7, another assertion of the same ID in Extensions", false, func(m *message) {
		other := evil(m.assertion)
		other.CreateAttr("ID", m.assertion.SelectAttrValue("ID", ""))
		m.extensions().AddChild(other)
	}},
	{"XSW8, the signed assertion in an Object of another's signature", false, func(m *message) {
		outer, signature, at := evil(m.assertion), take(m.assertion, "Signature"), m.assertion.Index()
		object := etree.NewElement("Object")
		object.Space = signature.Space
		object.AddChild(bare(m.assertion))
		signature.AddChild(object)
		put(outer, 1, signature)
		m.response.RemoveChild(m.assertion)
		put(m.response, at, outer)
	}},
	{"the signed assertion moved into Extensions", false, func(m *message) {
		other, at := evil(m.assertion), m.assertion.Index()
		signed := standalone(m.assertion)
		m.response.RemoveChild(m.assertion)
		put(m.response, at, other)
		m.extensions().AddChild(signed)
	}},
	{"the signed assertion moved into Extensions, its signature at the Response", false, func(m *message) {
		other, at := evil(m.assertion), m.assertion.Index()
		signature := take(m.assertion, "Signature")
		signed := standalone(m.assertion)
		m.response.RemoveChild(m.assertion)
		put(m.response, at, other)
		put(m.response, 1, signature)
		m.extensions().AddChild(signed)
	}},
	{"another assertion of the same ID before the signed one", false, func(m *message) {
		other := evil(m.assertion)
		other.CreateAttr("ID", m.assertion.SelectAttrValue("ID", ""))
		put(m.response, m.assertion.Index(), other)
	}},
	{"the signature at another assertion of the same ID", false, func(m *message) {
		outer, at := evil(m.assertion), m.assertion.Index()
		outer.CreateAttr("ID", m.assertion.SelectAttrValue("ID", ""))
		put(outer, 1, take(m.assertion, "Signature"))
		m.response.RemoveChild(m.assertion)
		put(m.response, at, outer)
	}},
	{"the signed assertion in another's Advice, with its signature in both", false, func(m *message) {
		outer, at := evil(m.assertion), m.assertion.Index()
		put(outer, 1, standalone(child(m.assertion, "Signature")))
		advice := etree.NewElement(outer.Space + ":Advice")
		advice.AddChild(standalone(m.assertion))
		outer.AddChild(advice)
		m.response.RemoveChild(m.assertion)
		put(m.response, at, outer)
	}},
	{"the Response's signature at another assertion", true, func(m *message) {
		other, at := evil(m.assertion), m.assertion.Index()
		put(other, 1, take(m.response, "Signature"))
		m.response.RemoveChild(m.assertion)
		put(m.response, at, other)
	}},
}

// Whatever is wrapped around what a provider signed, nobody becomes another: the Response is
// refused, and without our own look at its outline the library alone believes nothing but
// what was signed.
func TestSignatureWrapping(t *testing.T) {
	t.Parallel()
	for _, p := range peers(t) {
		for _, attack := range wrappings {
			for _, base := range []string{"good", "good-response-signed", "good-both-signed"} {
				response := p.response(t, base)
				if attack.response && base == "good" || !attack.response && base == "good-response-signed" {
					continue
				}
				from := p.provider(t, clockOf(t, response))
				signed, err := from.Read(encode(response))
				if err != nil {
					t.Fatalf("%s/%s: %v", p.name, base, err)
				}
				m := parse(t, response)
				attack.wrap(m)
				wrapped := m.bytes(t)
				if !bytes.Contains(wrapped, []byte(">admin<")) {
					t.Fatalf("%s/%s: %s: it names nobody else", p.name, base, attack.name)
				}
				if got, err := from.Read(encode(wrapped)); err == nil {
					t.Errorf("%s/%s: %s: accepted for %q", p.name, base, attack.name, got.NameID)
				}
				if got, err := from.ReadWithoutOutline(wrapped); err == nil && !cmp.Equal(got, signed) {
					t.Errorf("%s/%s: %s: the library makes another login of it", p.name, base, attack.name)
				}
			}
		}
	}
}

// edits change what a provider signed. Those that change nothing of it are accepted as they
// were.
var edits = []struct {
	name    string
	refused bool
	edit    func(m *message)
}{
	{"nothing", false, func(*message) {}},
	{"another user", true, func(m *message) { m.assertion.FindElement(".//NameID").SetText("admin") }},
	{"a comment in the NameID", false, func(m *message) {
		name := m.assertion.FindElement(".//NameID")
		text := name.Text()
		name.SetText(text[:2])
		name.AddChild(etree.NewComment(" a comment "))
		name.CreateText(text[2:])
	}},
	{"a comment behind the signed end of a NameID", true, func(m *message) {
		name := m.assertion.FindElement(".//NameID")
		name.AddChild(etree.NewComment(""))
		name.CreateText(".evil.example")
	}},
	{"a processing instruction in the NameID", true, func(m *message) {
		m.assertion.FindElement(".//NameID").AddChild(etree.NewProcInst("x", "y"))
	}},
	{"another audience", true, func(m *message) { m.assertion.FindElement(".//Audience").SetText(saml.AWSSignIn + "#") }},
	{"another recipient", true, func(m *message) {
		m.assertion.FindElement(".//SubjectConfirmationData").CreateAttr("Recipient", ourRecipient)
	}},
	{"a later end", true, func(m *message) {
		m.assertion.FindElement(".//Conditions").CreateAttr("NotOnOrAfter", "2099-01-01T00:00:00Z")
	}},
	{"a role more", true, func(m *message) {
		value := m.assertion.FindElement(".//AttributeValue")
		value.Parent().AddChild(value.Copy())
	}},
	{"a role more in a statement of its own", true, func(m *message) {
		m.assertion.AddChild(m.assertion.FindElement(".//AttributeStatement").Copy())
	}},
	{"a prefix that is named as an attribute", false, func(m *message) {
		m.assertion.CreateAttr("xmlns:Version", "1.0")
		m.assertion.FindElement(".//NameID").CreateAttr("xmlns:Format", saml.TransientID)
	}},
	{"an attribute of another namespace that is named as one of SAML", true, func(m *message) {
		name := m.assertion.FindElement(".//NameID")
		name.CreateAttr("xmlns:x", "urn:x")
		name.CreateAttr("x:Format", saml.TransientID)
	}},
	{"no signature", true, func(m *message) { take(m.assertion, "Signature") }},
	{"two signatures", true, func(m *message) {
		put(m.assertion, 2, child(m.assertion, "Signature").Copy())
	}},
	{"the signature refers to the Response", true, func(m *message) {
		m.assertion.FindElement("./Signature//Reference").CreateAttr("URI", "#"+m.response.SelectAttrValue("ID", ""))
	}},
	{"the signature refers to the document", true, func(m *message) {
		m.assertion.FindElement("./Signature//Reference").CreateAttr("URI", "")
	}},
	{"another digest", true, func(m *message) {
		m.assertion.FindElement("./Signature//DigestValue").SetText("AAAA")
	}},
	{"an empty signature", true, func(m *message) { m.assertion.FindElement("./Signature/SignatureValue").SetText("") }},
	{"no KeyInfo", false, func(m *message) { take(child(m.assertion, "Signature"), "KeyInfo") }},
	{"a KeyInfo that is none", false, func(m *message) {
		info := child(child(m.assertion, "Signature"), "KeyInfo")
		info.Child = nil
		info.CreateElement("X509Data").CreateElement("X509Certificate").SetText("rubbish")
	}},
	{"a method of the signature that is another", true, func(m *message) {
		m.assertion.FindElement("./Signature//SignatureMethod").CreateAttr("Algorithm",
			"http://www.w3.org/2000/09/xmldsig#hmac-sha1")
	}},
	{"a status that is none", true, func(m *message) {
		m.response.FindElement("./Status/StatusCode").CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
	}},
	{"another issuer of the Response", true, func(m *message) { child(m.response, "Issuer").SetText("urn:other") }},
	{"an ID twice", true, func(m *message) {
		child(m.response, "Status").CreateAttr("Id", m.assertion.SelectAttrValue("ID", ""))
	}},
}

// Who changes what was signed is refused, and who changes what was not gets the same login.
func TestEditedResponses(t *testing.T) {
	t.Parallel()
	for _, p := range peers(t) {
		for _, attack := range edits {
			response := p.response(t, "good")
			from := p.provider(t, clockOf(t, response))
			signed, err := from.Read(encode(response))
			if err != nil {
				t.Fatal(err)
			}
			m := parse(t, response)
			attack.edit(m)
			got, err := from.Read(encode(m.bytes(t)))
			switch {
			case (err != nil) != attack.refused:
				t.Errorf("%s: %s: got %v, want it refused: %t", p.name, attack.name, err, attack.refused)
			case err == nil && !cmp.Equal(got, signed):
				t.Errorf("%s: %s: it makes another login", p.name, attack.name)
			}
		}
	}
}

// The signature of the whole Response covers its assertion, and the status with it.
func TestEditedSignedResponses(t *testing.T) {
	t.Parallel()
	for _, p := range peers(t) {
		response := p.response(t, "good-response-signed")
		from := p.provider(t, clockOf(t, response))
		for name, edit := range map[string]func(m *message){
			"another user": func(m *message) { m.assertion.FindElement(".//NameID").SetText("admin") },
			"a statement more": func(m *message) {
				m.assertion.AddChild(m.assertion.FindElement(".//AttributeStatement").Copy())
			},
			"no destination": func(m *message) { m.response.RemoveAttr("Destination") },
			"no signature":   func(m *message) { take(m.response, "Signature") },
			"the signature at the assertion": func(m *message) {
				put(m.assertion, 1, take(m.response, "Signature"))
			},
		} {
			m := parse(t, response)
			edit(m)
			if _, err := from.Read(encode(m.bytes(t))); err == nil {
				t.Errorf("%s: %s: accepted", p.name, name)
			}
		}
	}
}
