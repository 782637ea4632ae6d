package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/config"
)

const (
	realPool   = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"
	samlIssuer = "arn:aws:iam::000000000000:saml-provider/office"
)

// Each kind has the keys that its proofs are made of, and refuses what would do nothing.
func TestKeysOfKinds(t *testing.T) {
	metadata := filepath.Join(t.TempDir(), "metadata.xml")
	if err := os.WriteFile(metadata, []byte("<EntityDescriptor/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		google, apple    = "provider: accounts.google.com, kind: google", "provider: appleid.apple.com, kind: apple"
		facebook, amazon = "provider: graph.facebook.com, kind: facebook", "provider: www.amazon.com, kind: amazon"
		userPool         = "provider: " + realPool + ", kind: user_pool"
	)
	saml := "provider: '" + samlIssuer + "', kind: saml, metadata_file: " + metadata
	secret := ", app_secret: 0123456789abcdef, client_ids: ['1']"
	for text, want := range map[string]string{
		google: "", apple: "", facebook: "", amazon: "", userPool: "", saml: "",
		google + ", issuer: 'http://127.0.0.1:1', client_ids: [a, b], jwks_uri: 'http://127.0.0.1:1/k', algorithms: [RS256]": "",
		userPool + ", issuer: 'https://a.test/p', endpoint: 'https://b.test'":                                                "",
		"provider: issuer-" + realPool + ", kind: user_pool":                                                                 "",
		"provider: 'localhost:9229/local_1', kind: user_pool":                                                                "",
		facebook + secret + ", limited_login: false, endpoint: 'http://127.0.0.1:1', issuer: 'https://a.test'":               "",
		amazon + ", endpoint: 'http://127.0.0.1:1'":                                                                          "",
		saml + ", recipients: ['https://a.test/saml'], audiences: ['urn:a']":                                                 "",

		"provider: x, kind: twitter":                                                    "kind: is twitter, whose logins are not taken; expected one of oidc, user_pool, google, apple, facebook, amazon, saml",
		"provider: www.digits.com, kind: digits":                                        "kind: is digits, whose logins are not taken",
		"provider: x, kind: ldap":                                                       "kind: has an unknown value; expected one of oidc, user_pool",
		"provider: google.com, kind: google":                                            "provider: is not the key of kind google; expected accounts.google.com",
		"provider: www.facebook.com, kind: facebook":                                    "provider: is not the key of kind facebook; expected graph.facebook.com",
		"provider: idp.test, kind: user_pool":                                           "provider: is not the name of a user pool; expected cognito-idp.<region>",
		"provider: idp.test, kind: saml":                                                "metadata_file: is missing; expected a file with the identity provider's metadata, which kind saml needs",
		saml + "}, {provider: a.test, kind: saml":                                       "login_providers[1].metadata_file: is missing",
		"provider: a.test, kind: saml, metadata_file: a":                                "provider: has not the right form; expected arn:aws:iam::<account>:saml-provider/<name>",
		userPool + ", client_ids: [a]":                                                  "client_ids: does nothing for kind user_pool; expected beside provider and kind only admin_get_user, ca_file, endpoint, issuer, jwks_file, jwks_uri",
		userPool + ", algorithms: [RS256]":                                              "algorithms: does nothing for kind user_pool",
		userPool + ", endpoint: idp":                                                    "endpoint: is not an absolute",
		google + ", endpoint: 'https://a.test'":                                         "endpoint: does nothing for kind google",
		google + ", client_ids: []":                                                     "client_ids: is empty or too long",
		google + ", issuer: accounts.google.com":                                        "issuer: is not an absolute",
		apple + ", metadata_file: a":                                                    "metadata_file: does nothing for kind apple",
		facebook + ", client_ids: ['1']":                                                "client_ids: does nothing without app_secret",
		facebook + ", app_secret: 0123456789abcdef":                                     "client_ids: is not the one app of app_secret",
		facebook + ", app_secret: 0123456789abcdef, client_ids: ['1', '2']":             "client_ids: is not the one app of app_secret",
		facebook + ", app_secret: abc, client_ids: ['1']":                               "app_secret: is too short",
		amazon + ", app_secret: 0123456789abcdef":                                       "app_secret: does nothing for kind amazon; expected beside provider and kind only ca_file, endpoint",
		amazon + ", limited_login: true":                                                "limited_login: does nothing for kind amazon",
		saml + ", issuer: 'https://a.test'":                                             "issuer: does nothing for kind saml",
		saml + ", recipients: ['a b']":                                                  "recipients[0]: is not an identifier",
		saml + ", audiences: [a, a]":                                                    "audiences[1]: stands there twice",
		saml + ", decryption_keys_file: nowhere":                                        "decryption_keys_file: names a file that",
		"provider: a.test, issuer: 'https://a.test', client_ids: [a], metadata_file: a": "metadata_file: does nothing for kind oidc",
		userPool + "}, {provider: issuer-" + realPool + ", kind: user_pool":             "login_providers[1].provider: stands there twice",
	} {
		_, err := load(t, development+provider(text))
		if want == "" && err != nil {
			t.Errorf("%s: got %v, want it taken", text, err)
		} else if want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		google + ", issuer: 'http://a.test'":                  "login_providers[0].issuer: is http in production",
		amazon + ", endpoint: 'http://a.test'":                "login_providers[0].endpoint: is http in production",
		facebook + ", jwks_uri: 'http://a.test'":              "login_providers[0].jwks_uri: is http in production",
		"provider: 'localhost:9229/local_1', kind: user_pool": "login_providers[0].provider: is an emulator's user pool, which only development takes",
	} {
		if _, err := load(t, production+provider(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s in production: got %v, want %q", text, err, want)
		}
	}
	mustLoad(t, production+provider(amazon+", endpoint: 'http://127.0.0.1:1'"))
}

// What a kind knows of its provider is filled in.
func TestKindsKnowTheirProviders(t *testing.T) {
	for text, want := range map[string][2]string{
		"provider: accounts.google.com, kind: google":                              {"accounts.google.com", "https://accounts.google.com"},
		"provider: appleid.apple.com, kind: apple":                                 {"appleid.apple.com", "https://appleid.apple.com"},
		"provider: appleid.apple.com, kind: apple, issuer: 'https://a.test'":       {"appleid.apple.com", "https://a.test"},
		"provider: graph.facebook.com, kind: facebook":                             {"graph.facebook.com", "https://www.facebook.com"},
		"provider: www.amazon.com, kind: amazon":                                   {"www.amazon.com", ""},
		"provider: issuer-" + realPool + ", kind: user_pool":                       {realPool, ""},
		"provider: 'localhost:9229/local_1', kind: user_pool":                      {"localhost:9229/local_1", "http://localhost:9229/local_1"},
		"provider: 'a.test:1/local_1', kind: user_pool, issuer: 'https://b.test/'": {"a.test:1/local_1", "https://b.test/"},
	} {
		c := mustLoad(t, development+provider(text))
		if got := [2]string{c.LoginProviders[0].Provider, c.LoginProviders[0].Issuer}; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// Metadata may be read by others, decryption keys may not; what the files hold is looked at.
func TestFilesOfSAML(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(folder, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("good.xml", "<md:EntityDescriptor>", 0o644)
	write("bad.xml", "<html>", 0o644)
	write("written.xml", "<md:EntityDescriptor>", 0o666)
	write("keys.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0o600)
	write("read.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0o644)
	write("ca.pem", certificate, 0o600)
	for _, tt := range []struct{ files, want string }{
		{"metadata_file: good.xml, decryption_keys_file: keys.pem", ""},
		{"metadata_file: bad.xml", "metadata_file: names a file without an EntityDescriptor"},
		{"metadata_file: written.xml", "metadata_file: "},
		{"metadata_file: good.xml, decryption_keys_file: ca.pem", "decryption_keys_file: names a file without private keys"},
		{"metadata_file: good.xml, decryption_keys_file: read.pem", "decryption_keys_file: "},
	} {
		text := production + provider("provider: '"+samlIssuer+"', kind: saml, "+tt.files)
		write("c.yaml", text, 0o600)
		c, err := config.Load(filepath.Join(folder, "c.yaml"), nil)
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: got %v, want %q", tt.files, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: got %v", tt.files, err)
		}
		p := c.LoginProviders[0]
		if diff := cmp.Diff([]string{filepath.Join(folder, "good.xml"), filepath.Join(folder, "keys.pem")},
			[]string{p.MetadataFile, p.DecryptionKeysFile}); diff != "" {
			t.Errorf("names of files (-want +got):\n%s", diff)
		}
	}
}

// Who wants a check that nothing makes is refused in production, and told of in development.
func TestUncheckedClients(t *testing.T) {
	const want = "pools[0].cognito_identity_providers[1].server_side_token_check"
	lists := func(check string) string {
		return "\n" + pool("cognito_identity_providers: [{provider_name: "+realPool+", client_id: a}, "+
			"{provider_name: issuer-"+realPool+", client_id: b, server_side_token_check: "+check+"}]")
	}
	asking, silent := provider("provider: "+realPool+", kind: user_pool, admin_get_user: true"),
		provider("provider: "+realPool+", kind: user_pool")
	_, err := load(t, production+silent+lists("true"))
	wantError(t, err, want, "is true, and the broker may not ask the user pool")
	for name, text := range map[string]string{
		"asked": production + asking + lists("true"), "not wanted": production + silent + lists("false"),
		"asked in development": development + asking + lists("true"),
		"in front of upstream": upstream + silent + lists("true"),
	} {
		if c := mustLoad(t, text); len(c.UncheckedClients()) != 0 {
			t.Errorf("%s: got %v unchecked", name, c.UncheckedClients())
		}
	}
	if got := mustLoad(t, development+silent+lists("true")).UncheckedClients(); len(got) != 1 || got[0] != want {
		t.Errorf("in development: got %v, want %s", got, want)
	}
}
