package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/redistest"
	"github.com/cognito-broker/broker/internal/settings"
)

const officeARN = "arn:aws:iam::000000000000:saml-provider/office"

// samlMetadata is metadata of an identity provider, with its first signing keys.
func samlMetadata(t *testing.T, entity string, keys int) []byte {
	t.Helper()
	text, err := os.ReadFile("../../internal/saml/testdata/xmlsec1/metadata.xml")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	text = regexp.MustCompile(`(?s)<md:KeyDescriptor.*?</md:KeyDescriptor>`).ReplaceAllFunc(text, func(key []byte) []byte {
		if n++; n <= keys {
			return key
		}
		return nil
	})
	return bytes.Replace(text, []byte(`entityID="https://idp.example/saml"`), []byte(`entityID="`+entity+`"`), 1)
}

// What a provider's files say of whom to believe is a setting of that provider: a key less, or
// another provider, withdraws something; a key more, and blanks, do not.
func TestFilesOfProvidersAreCompared(t *testing.T) {
	t.Parallel()
	const one, two = `{"kty":"RSA","kid":"1","n":"AQAB"}`, `{"kty":"RSA","kid":"2","n":"AQAC"}`
	pem := func(texts ...string) (all []byte) {
		for _, text := range texts {
			all = fmt.Appendf(all, "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n", text)
		}
		return all
	}
	idp := "https://idp.example/saml"
	var named config.Cache
	named.Redis.NameKey, _ = config.ParseKey(base64Key())
	for name, c := range map[string]struct {
		key           string
		before, after []byte
		ends          bool
	}{
		"keys as before":               {"jwks_file", []byte(`{"keys":[` + one + `]}`), []byte("{\"keys\": [\n" + strings.ReplaceAll(one, ",", ", ") + "]}"), false},
		"a key more":                   {"jwks_file", []byte(`{"keys":[` + one + `]}`), []byte(`{"keys":[` + two + "," + one + `]}`), false},
		"a key less":                   {"jwks_file", []byte(`{"keys":[` + one + "," + two + `]}`), []byte(`{"keys":[` + two + `]}`), true},
		"another key":                  {"jwks_file", []byte(`{"keys":[` + one + `]}`), []byte(`{"keys":[` + two + `]}`), true},
		"an authority more":            {"ca_file", pem("AAAA"), pem("BBBB", "AAAA"), false},
		"another authority":            {"ca_file", pem("AAAA"), pem("BBBB"), true},
		"metadata as before":           {"metadata_file", samlMetadata(t, idp, 2), append(samlMetadata(t, idp, 2), '\n'), false},
		"a certificate more":           {"metadata_file", samlMetadata(t, idp, 1), samlMetadata(t, idp, 2), false},
		"a certificate less":           {"metadata_file", samlMetadata(t, idp, 2), samlMetadata(t, idp, 1), true},
		"metadata of another provider": {"metadata_file", samlMetadata(t, idp, 2), samlMetadata(t, "https://other.example", 2), true},
	} {
		file := filepath.Join(t.TempDir(), "file")
		p := config.LoginProvider{Provider: "idp", Kind: loginkey.OIDC}
		switch c.key {
		case "jwks_file":
			p.JWKSFile = file
		case "ca_file":
			p.CAFile = file
		default:
			p.Kind, p.MetadataFile = loginkey.SAML, file
		}
		both := &config.Config{Cache: named, LoginProviders: []config.LoginProvider{p, {Provider: "other"}}}
		states := func(text []byte) []settings.State {
			t.Helper()
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			files, err := signersOf(both)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return []settings.State{upstreamState(both, files), engineState(both, files, nil, store.Marks{})}
		}
		before, after := states(c.before), states(c.after)
		want := map[bool]string{false: "[]", true: "[provider/idp]"}[c.ends]
		for i := range before {
			record, _ := settings.Record{}.Meet(before[i])
			if got := fmt.Sprint(record.Withdrawn(after[i])); got != want {
				t.Errorf("%s: got %s withdrawn, want %s", name, got, want)
			}
		}
	}
}

// A restart with metadata of another identity provider, or with a certificate less, ends what pools
// gave that list the provider, and what others gave stays; so does all after a certificate more.
func TestOtherMetadataEndsWhatRestedOnIt(t *testing.T) {
	t.Parallel()
	redis := redistest.Single(t)
	file := filepath.Join(t.TempDir(), "metadata.xml")
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const pool = "us-east-1:00000000-0000-4000-8000-0000000000a1"
	const idp = "https://idp.example/saml"
	write(samlMetadata(t, idp, 1))
	b := startBroker(t, nil, "  - {id: '"+pool+"', name: office, roles: {authenticated: '"+authRole+"'}, saml_provider_arns: ['"+officeARN+"']}\n"+
		"login_providers: [{provider: '"+officeARN+"', kind: saml, metadata_file: '"+file+"'}]\n"+
		redisYAML(redis.Addr(), base64Key(), base64Key()))
	alice := b.login(t, "alice")
	cached := func(pool string) string {
		t.Helper()
		a := b.rest(t, pool, "credentials", map[string]any{"logins": alice})
		if a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
		return a.header.Get("X-Cache")
	}
	for _, c := range []struct {
		what string
		text []byte
		want string
	}{
		{"the same", samlMetadata(t, idp, 1), "hit"},
		{"a certificate more", samlMetadata(t, idp, 2), "hit"},
		{"a certificate less", samlMetadata(t, idp, 1), "miss"},
		{"another provider", samlMetadata(t, "https://other.example/saml", 1), "miss"},
		{"the first again", samlMetadata(t, idp, 1), "miss"},
	} {
		for range 2 {
			cached(pool)
			cached(demoPool)
		}
		b.stop(t)
		write(c.text)
		b.start(t)
		if office, demo := cached(pool), cached(demoPool); office != c.want || demo != "hit" {
			t.Errorf("%s: got %s, and %s of another pool; want %s and hit", c.what, office, demo, c.want)
		}
	}
}
