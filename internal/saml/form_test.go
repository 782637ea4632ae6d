package saml_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	dsig "github.com/russellhaering/goxmldsig"

	"github.com/cognito-broker/broker/internal/saml"
)

// What a login's text may be: base64 of the standard alphabet, with line breaks, of XML.
func TestEncodings(t *testing.T) {
	t.Parallel()
	p := peerNamed(t, "xmlsec1")
	response := p.response(t, "good")
	good := encode(response)
	lines := func(every int, end string) string {
		var b strings.Builder
		for rest := good; rest != ""; {
			n := min(every, len(rest))
			b.WriteString(rest[:n] + end)
			rest = rest[n:]
		}
		return b.String()
	}
	// A length that needs padding, and letters that the two alphabets write differently.
	padded := append(bytes.Clone(response), []byte("<!-- ??>>~~ -->")...)
	for len(padded)%3 != 1 {
		padded = append(padded, ' ')
	}
	if !strings.ContainsAny(encode(padded), "+/") {
		t.Fatal("the two alphabets do not differ")
	}
	from := p.provider(t, clockOf(t, response))
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"as it is":               {good, true},
		"lines of 76":            {lines(76, "\r\n"), true},
		"lines of 64":            {lines(64, "\n"), true},
		"padding":                {encode(padded), true},
		"no padding":             {base64.RawStdEncoding.EncodeToString(padded), false},
		"the alphabet of URLs":   {base64.URLEncoding.EncodeToString(padded), false},
		"URLs, no padding":       {base64.RawURLEncoding.EncodeToString(padded), false},
		"blanks":                 {lines(76, " "), false},
		"open bits":              {strings.TrimSuffix(encode(padded), "A==") + "B==", false},
		"more behind":            {encode(padded) + "AAAA", false},
		"XML":                    {string(response), false},
		"twice":                  {encode([]byte(good)), false},
		"deflated, by its looks": {encode([]byte("\x8d\x93\xc1")), false},
		"nothing":                {"", false},
		"nothing in it":          {encode([]byte(" ")), false},
	} {
		if _, err := from.Read(c.text); (err == nil) != c.good {
			t.Errorf("%s: got %v, want it accepted: %t", name, err, c.good)
		} else if !c.good && refusedBy(t, err) != saml.Form {
			t.Errorf("%s: got %v, want it refused for its form", name, err)
		}
	}
}

// XML that means different things to different readers is refused, before anybody reads it.
func TestOddXML(t *testing.T) {
	t.Parallel()
	p := peerNamed(t, "xmlsec1")
	response := p.response(t, "good")
	from := p.provider(t, clockOf(t, response))
	text := strings.TrimSpace(string(response))
	inName := func(s string) string { return strings.Replace(text, ">alice</saml:NameID>", ">"+s+"</saml:NameID>", 1) }
	utf16 := []byte{0xfe, 0xff}
	for _, c := range text {
		utf16 = append(utf16, byte(c>>8), byte(c))
	}
	for name, document := range map[string]string{
		"a document type":             "<!DOCTYPE x>" + text,
		"a document type, small":      "<!doctype x>" + text,
		"a document type behind":      text + "<!DOCTYPE x>",
		"a document type inside":      inName("alice<!DOCTYPE x>"),
		"an entity declaration":       inName("alice<!ENTITY x 'y'>"),
		"an external entity":          `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>` + inName("&f;"),
		"an unknown entity":           inName("&who;"),
		"Latin 1":                     `<?xml version="1.0" encoding="ISO-8859-1"?>` + text,
		"UTF-16":                      string(utf16),
		"a byte that is no UTF-8":     inName("alice\xff"),
		"half a surrogate":            inName("alice&#xD800;"),
		"half a surrogate, as UTF-8":  inName("alice\xed\xa0\x80"),
		"a NUL":                       inName("alice\x00"),
		"a NUL by number":             inName("alice&#0;"),
		"a second root":               text + text,
		"text behind":                 text + "x",
		"an end that is another's":    strings.Replace(text, "</saml:NameID>", "</saml:Subject>", 1),
		"no end":                      strings.TrimSuffix(text, "</samlp:Response>"),
		"a processing instruction":    "<?xml-stylesheet href='x'?>" + text,
		"an XML declaration too late": " " + text + `<?xml version="1.0"?>`,
		"another root":                strings.ReplaceAll(text, "samlp:Response", "samlp:Answer"),
		"another namespace":           strings.ReplaceAll(text, "SAML:2.0:protocol", "SAML:1.0:protocol"),
		"an attribute twice":          strings.Replace(text, `Version="2.0"`, `Version="2.0" Version="2.0"`, 1),
	} {
		_, err := from.Read(encode([]byte(document)))
		if check := refusedBy(t, err); check == "" {
			t.Errorf("%s: accepted", name)
		}
	}
}

// stuffed is a good Response with more in its Extensions, which nobody signed.
func stuffed(response []byte, more string) []byte {
	return bytes.Replace(response, []byte("<samlp:Status>"),
		[]byte("<samlp:Extensions>"+more+"</samlp:Extensions><samlp:Status>"), 1)
}

// Each bound, at it and over it.
func TestBounds(t *testing.T) {
	t.Parallel()
	p := peerNamed(t, "xmlsec1")
	response := p.response(t, "good")
	from := p.provider(t, clockOf(t, response))
	elements := bytes.Count(response, []byte("<")) - bytes.Count(response, []byte("</")) + 1 // with Extensions
	space := func(text int) []byte {
		return append(bytes.Clone(response), bytes.Repeat([]byte(" "), text/4*3-len(response))...)
	}
	deep := func(n int) []byte { return stuffed(response, strings.Repeat("<a>", n)+strings.Repeat("</a>", n)) }
	wide := func(n int) []byte { return stuffed(response, strings.Repeat("<a></a>", n-elements)) }
	many := func(n int) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` a%d=""`, i)
		}
		return stuffed(response, "<a"+b.String()+"/>")
	}
	for _, c := range []struct {
		name     string
		document []byte
		good     bool
	}{
		{"length", space(saml.MaxText), true},
		{"length", space(saml.MaxText + 4), false},
		{"depth", deep(saml.MaxDepth - 2), true},
		{"depth", deep(saml.MaxDepth - 1), false},
		{"elements", wide(saml.MaxElements), true},
		{"elements", wide(saml.MaxElements + 1), false},
		{"attributes", many(saml.MaxAttributes), true},
		{"attributes", many(saml.MaxAttributes + 1), false},
	} {
		if _, err := from.Read(encode(c.document)); (err == nil) != c.good {
			t.Errorf("%s: got %v, want it accepted: %t", c.name, err, c.good)
		} else if !c.good && refusedBy(t, err) != saml.Form {
			t.Errorf("%s: got %v, want it refused for its form", c.name, err)
		}
	}
}

// bombs are made to cost much, each as long as a Response may be.
func bombs(t testing.TB, p *peer) map[string][]byte {
	t.Helper()
	response := p.response(t, "good")
	room := saml.MaxText/4*3 - len(response) - 100
	fill := func(unit string) string { return strings.Repeat(unit, room/len(unit)) }
	numbered := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < room-len(format)-10; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	some := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	laughs := `<!DOCTYPE x [<!ENTITY a0 "ha">`
	for i := 1; i < 30; i++ {
		laughs += fmt.Sprintf(`<!ENTITY a%d "%s">`, i, strings.Repeat(fmt.Sprintf("&a%d;", i-1), 10))
	}
	spaces, most := numbered(`xmlns:p%d="urn:p" `), strings.Repeat("<a></a>", saml.MaxElements-40)
	atRoot := func(spaces string, in []byte) []byte {
		return bytes.Replace(in, []byte("<samlp:Response "), []byte("<samlp:Response "+spaces), 1)
	}
	const root = "<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'>"
	return map[string][]byte{
		"a billion laughs":               []byte(laughs + "]>" + strings.Replace(string(response), ">alice<", ">&a29;<", 1)),
		"one large entity":               []byte(`<!DOCTYPE x [<!ENTITY a "` + fill("a") + `">]>&a;&a;&a;`),
		"deep":                           stuffed(response, fill("<a>")),
		"deep, and ended":                stuffed(response, strings.Repeat("<a>", room/8)+strings.Repeat("</a>", room/8)),
		"wide":                           stuffed(response, fill("<a></a>")),
		"as wide as may be":              stuffed(response, most),
		"attributes":                     stuffed(response, "<a "+numbered(`a%d="" `)+"></a>"),
		"as many attributes as may be":   stuffed(response, strings.Repeat("<a "+some(`a%d="" `, 60)+"></a>", 60)),
		"IDs":                            stuffed(response, numbered(`<a ID="%d"></a>`)),
		"namespaces":                     stuffed(response, "<a "+spaces+"></a>"),
		"namespaces at the root":         atRoot(spaces, response),
		"50 namespaces, as wide as ever": atRoot(some(`xmlns:p%d="urn:p" `, 50), stuffed(response, most)),
		"comments":                       stuffed(response, fill("<!---->")),
		"text":                           stuffed(response, fill("a")),
		"references":                     stuffed(response, fill("&#65;")),
		"a long name":                    stuffed(response, "<"+fill("a")+"/>"),
		"signatures":                     stuffed(response, numbered(`<Signature xmlns="`+dsig.Namespace+`" Id="%d"/>`)),
		"no assertion":                   []byte(root + fill("<a/>") + "</samlp:Response>"),
	}
}

// Whatever somebody sends, it costs under 10 MB.
func TestBombsCostLittle(t *testing.T) {
	p := peerNamed(t, "xmlsec1")
	response := p.response(t, "good")
	from := p.provider(t, clockOf(t, response))
	all := bombs(t, p)
	for name, bomb := range encryptedBombs(t, p) {
		all[name] = bomb
	}
	for name, bomb := range all {
		text := encode(bomb)
		if len(text) > saml.MaxText {
			t.Fatalf("%s: it has %d bytes, over the bound of length alone", name, len(text))
		}
		at := time.Now()
		allocated := bytesOf(func() { _, _ = from.Read(text) })
		t.Logf("%-40s %6d KB %v", name, allocated>>10, time.Since(at).Round(100*time.Microsecond))
		if allocated > 10<<20 {
			t.Errorf("%s: it took %d KB, want at most 10 MB", name, allocated>>10)
		}
	}
}

func BenchmarkBombs(b *testing.B) {
	p := peerNamed(b, "xmlsec1")
	from := p.provider(b, clockOf(b, p.response(b, "good")))
	for name, bomb := range bombs(b, p) {
		text := encode(bomb)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = from.Read(text)
			}
		})
	}
}

// What a first proof costs, for each signer's kinds of Responses.
func BenchmarkRead(b *testing.B) {
	p := peerNamed(b, "xmlsec1")
	for _, name := range []string{"good", "good-both-signed", "good-encrypted", "good-ecdsa", "good-many-groups"} {
		response := p.response(b, name)
		from, text := p.provider(b, clockOf(b, response)), encode(response)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := from.Read(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
