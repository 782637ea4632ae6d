package saml_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/saml"
)

// Whatever is done to a signed Response, it is refused or makes a login that was signed.
func FuzzRead(f *testing.F) {
	p := peerNamed(f, "xmlsec1")
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	from := p.provider(f, now)
	var signed []*saml.Login
	for name := range p.cases {
		response := p.response(f, name)
		f.Add(response)
		if login, err := from.Read(encode(response)); err == nil {
			signed = append(signed, login)
		}
	}
	for _, bomb := range bombs(f, p) {
		f.Add(bomb[:min(len(bomb), 4096)])
	}
	f.Fuzz(func(t *testing.T, response []byte) {
		got, err := from.Read(encode(response))
		if err == nil {
			if !slices.ContainsFunc(signed, func(l *saml.Login) bool { return cmp.Equal(l, got) }) {
				t.Errorf("nobody signed the login that it makes")
			}
			return
		}
		if _, ok := errors.AsType[*saml.Refused](err); !ok || got != nil {
			t.Errorf("got %v, %T, want *Refused alone", got, err)
		}
	})
}

// A text that makes a login is base64 as one writes it, but for line breaks.
func FuzzText(f *testing.F) {
	p := peerNamed(f, "xmlsec1")
	response := p.response(f, "good")
	from := p.provider(f, clockOf(f, response))
	f.Add(encode(response))
	f.Add(base64.URLEncoding.EncodeToString(response))
	f.Add("PHNhbWxwOlJlc3BvbnNlLz4=")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := from.Read(text); err != nil {
			return
		}
		plain := strings.NewReplacer("\r", "", "\n", "").Replace(text)
		document, err := base64.StdEncoding.DecodeString(plain)
		if err != nil || encode(document) != plain {
			t.Errorf("it is no base64 of the standard alphabet: %v", err)
		}
	})
}

// parts are what the conditions of an assertion consist of. Times are milliseconds from its
// IssueInstant; zero: none.
type parts struct {
	now, before, after, confirmed, session int64
	audience, second, recipient, name      string
}

// assertionOf writes an assertion with parts.
func (p *parts) assertionOf(at time.Time) string {
	when := func(name string, ms int64) string {
		if ms == 0 {
			return ""
		}
		return fmt.Sprintf(` %s="%s"`, name, stamp(at.Add(time.Duration(ms)*time.Millisecond)))
	}
	restriction := func(audience string) string {
		if audience == "" {
			return ""
		}
		return "<a:AudienceRestriction><a:Audience>" + audience + "</a:Audience></a:AudienceRestriction>"
	}
	return `<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0" ` +
		`IssueInstant="` + stamp(at) + `"><a:Issuer>` + idpName + `</a:Issuer>` +
		`<a:Subject><a:NameID>` + p.name + `</a:NameID>` +
		`<a:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><a:SubjectConfirmationData` +
		when("NotOnOrAfter", p.confirmed) + ` Recipient="` + p.recipient + `"/></a:SubjectConfirmation></a:Subject>` +
		`<a:Conditions` + when("NotBefore", p.before) + when("NotOnOrAfter", p.after) + `>` + restriction(p.audience) +
		restriction(p.second) + `</a:Conditions><a:AuthnStatement AuthnInstant="` + stamp(at) + `"` +
		when("SessionNotOnOrAfter", p.session) + `><a:AuthnContext/></a:AuthnStatement></a:Assertion>`
}

// good is the specification once more, by the numbers.
func (p *parts) good() bool {
	const skew, age = int64(saml.Skew / time.Millisecond), int64(saml.MaxAge / time.Millisecond)
	ours := func(audience string) bool {
		return audience == "" || audience == saml.AWSSignIn || audience == saml.AWSServices || audience == ourAudience
	}
	return p.now <= age && p.now >= -skew &&
		(p.before == 0 || p.now >= p.before-skew) &&
		(p.after == 0 || p.now < p.after+skew) &&
		p.confirmed != 0 && p.now < p.confirmed+skew &&
		(p.session == 0 || p.now < p.session+skew) &&
		p.audience+p.second != "" && ours(p.audience) && ours(p.second) &&
		(p.recipient == saml.AWSSignIn || p.recipient == ourRecipient)
}

// The conditions are what the specification says, at each bound of it.
func FuzzConditions(f *testing.F) {
	const m = int64(time.Minute / time.Millisecond)
	audiences := []string{"", saml.AWSSignIn, saml.AWSServices, ourAudience, "urn:other", saml.AWSSignIn + "/"}
	recipients := []string{"", saml.AWSSignIn, ourRecipient, "https://other.example", ourRecipient + "/"}
	idp, at := newIDP(f), time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, now := range []int64{0, 5*m - 1, 5 * m, 5*m + 1, -3 * m, -3*m - 1, 4*m - 1, 4 * m, -2 * m, -2*m - 1} {
		for _, other := range []int64{m, -m, 5 * m, 0} {
			f.Add(now, other, int64(0), 10*m, int64(0), uint8(1), uint8(0), uint8(1))
			f.Add(now, int64(0), other, 10*m, int64(0), uint8(2), uint8(3), uint8(2))
			f.Add(now, int64(0), int64(0), other, int64(0), uint8(3), uint8(4), uint8(3))
			f.Add(now, int64(0), int64(0), 10*m, other, uint8(1), uint8(2), uint8(1))
		}
	}
	f.Fuzz(func(t *testing.T, now, before, after, confirmed, session int64, audience, second, recipient uint8) {
		const most = int64(100 * 24 * time.Hour / time.Millisecond)
		p := parts{
			now: now % most, before: before % most, after: after % most, confirmed: confirmed % most, session: session % most,
			audience: audiences[int(audience)%len(audiences)], second: audiences[int(second)%len(audiences)],
			recipient: recipients[int(recipient)%len(recipients)], name: "alice",
		}
		clock := at.Add(time.Duration(p.now) * time.Millisecond)
		from := provider(t, saml.Config{
			Metadata: idp.metadata, Recipients: []string{ourRecipient}, Audiences: []string{ourAudience},
			Now: func() time.Time { return clock },
		})
		got, err := from.Read(encode(idp.respond(t, at, p.assertionOf(at))))
		if (err == nil) != p.good() {
			t.Fatalf("%+v: got %v, want it accepted: %t", p, err, p.good())
		}
		if err != nil {
			return
		}
		ends := int64(saml.MaxAge / time.Millisecond)
		for _, other := range []int64{p.after, p.confirmed, p.session} {
			if other != 0 {
				ends = min(ends, other)
			}
		}
		if want := at.Add(time.Duration(ends) * time.Millisecond); !got.Ends.Equal(want) {
			t.Errorf("%+v: got the end %v, want %v", p, got.Ends, want)
		}
	})
}

// A NameID is what was signed, to the letter, however it is written: two are never one.
func TestNameIDsAreWhole(t *testing.T) {
	t.Parallel()
	idp, at := newIDP(t), time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	from := provider(t, saml.Config{Metadata: idp.metadata, Now: func() time.Time { return at }})
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aAbB@. <>&'\"\u00a0\u00e9\u0301\u0130\u200b\U0001F511")), 0, 12, -1)
	escape := strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;").Replace
	written := map[int]func(string) string{
		0: escape,
		1: func(s string) string { return "<![CDATA[" + strings.ReplaceAll(s, "]]>", "]]&gt;") + "]]>" },
		2: func(s string) string {
			var b strings.Builder
			for _, r := range s {
				fmt.Fprintf(&b, "&#x%X;", r)
			}
			return b.String()
		},
		3: func(s string) string { return "<!-- a comment -->" + escape(s) },
	}
	rapid.Check(t, func(rt *rapid.T) {
		want, body := "", ""
		for range rapid.IntRange(1, 4).Draw(rt, "parts") {
			part := text.Draw(rt, "text")
			want += part
			body += written[rapid.IntRange(0, 3).Draw(rt, "written")](part)
		}
		p := parts{confirmed: 60_000, audience: saml.AWSSignIn, recipient: saml.AWSSignIn, name: body}
		got, err := from.Read(encode(idp.respond(t, at, p.assertionOf(at))))
		switch {
		case strings.TrimSpace(want) == "":
			if err == nil {
				rt.Fatalf("%q: accepted", want)
			}
		case err != nil:
			rt.Fatalf("%q as %q: %v", want, body, err)
		case got.NameID != want:
			rt.Fatalf("%q as %q: got %q", want, body, got.NameID)
		}
	})
}
