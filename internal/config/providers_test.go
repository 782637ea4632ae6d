package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

const development = "mode: development\n"

func TestProviderKeys(t *testing.T) {
	const good = "provider: idp.test, issuer: 'https://idp.test', client_ids: [a]"
	for text, want := range map[string]string{
		good + ", algorithms: [RS256, ES256]":                                             "",
		good + ", jwks_uri: 'https://keys.test/a?p=policy'":                               "",
		good + ", algorithms: [PS256]":                                                    "login_providers[0].algorithms[0]: is not an algorithm",
		good + ", algorithms: [HS256]":                                                    "login_providers[0].algorithms[0]: is not an algorithm",
		good + ", algorithms: [none]":                                                     "login_providers[0].algorithms[0]: is not an algorithm",
		good + ", algorithms: [RS256, RS256]":                                             "login_providers[0].algorithms[1]: stands there twice",
		good + ", jwks_uri: keys.test":                                                    "login_providers[0].jwks_uri: is not an absolute",
		good + ", jwks_uri: 'https://keys.test/#a'":                                       "login_providers[0].jwks_uri: is not a",
		good + ", jwks_uri: 'https://keys.test/?a b'":                                     "login_providers[0].jwks_uri: is not a",
		good + ", jwks_uri: 'https://u@keys.test'":                                        "login_providers[0].jwks_uri: holds a user",
		good + ", jwks_uri: 'https://keys.test', jwks_file: a":                            "login_providers[0].jwks_file: is given together",
		good + ", ca_file: b, jwks_file: a":                                               "login_providers[0].ca_file: is given together",
		good + ", jwks_file: nowhere.json":                                                "login_providers[0].jwks_file: names a file that",
		good + ", ca_file: nowhere.pem":                                                   "login_providers[0].ca_file: names a file that",
		strings.Replace(good, ", client_ids: [a]", "", 1):                                 "login_providers[0].client_ids: is missing; expected 1 to 100 client ids",
		"provider: idp.test, client_ids: [a]":                                             "login_providers[0].issuer: is missing; expected",
		good + ", jwks: a":                                                                "login_providers[0].jwks: unknown key",
		"provider: tenant.test, issuer: 'https://tenant.test/', client_ids: [a]":          "",
		"provider: tenant.test/, issuer: 'https://tenant.test/', client_ids: [a]":         "login_providers[0].provider: differs from the issuer",
		good + "}, {" + strings.ReplaceAll(good, "https://idp.test", "https://idp.test/"): "login_providers[1].provider: stands there twice",
	} {
		_, err := load(t, development+provider(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if _, err := load(t, production+provider(good+", jwks_uri: 'http://keys.test'")); err == nil || !strings.Contains(err.Error(), "login_providers[0].jwks_uri: is http") {
		t.Errorf("http in production: got %v", err)
	}
}

// Names of files start at the configuration's folder, and what they hold is looked at.
func TestProviderFiles(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("keys.json", `{"keys":[]}`)
	write("ca.pem", certificate)
	write("none.pem", "nothing")
	write("c.yaml", development+provider("provider: idp.test, issuer: 'https://idp.test', client_ids: [a], jwks_file: keys.json}, {provider: b.test, issuer: 'https://b.test', client_ids: [a], ca_file: ca.pem"))
	c, err := config.Load(filepath.Join(folder, "c.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.LoginProviders[0].JWKSFile, filepath.Join(folder, "keys.json"); got != want {
		t.Errorf("jwks_file: got %q, want %q", got, want)
	}
	if got, want := c.LoginProviders[1].CAFile, filepath.Join(folder, "ca.pem"); got != want {
		t.Errorf("ca_file: got %q, want %q", got, want)
	}
	write("c.yaml", development+provider("provider: idp.test, issuer: 'https://idp.test', client_ids: [a], ca_file: none.pem"))
	if _, err := config.Load(filepath.Join(folder, "c.yaml"), nil); err == nil || !strings.Contains(err.Error(), "login_providers[0].ca_file: names a file without certificates") {
		t.Errorf("a file without certificates: got %v", err)
	}
}

// Providers that have a kind of their own are no plain OpenID providers, but for pools
// that name them as such.
func TestProvidersOfOtherKinds(t *testing.T) {
	for _, name := range []string{
		"accounts.google.com", "appleid.apple.com", "graph.facebook.com", "www.amazon.com", "api.twitter.com", "www.digits.com",
		"cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc", "issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc",
	} {
		one := development + provider("provider: "+name+", issuer: 'https://"+name+"', client_ids: [a]")
		if _, err := load(t, one); err == nil || !strings.Contains(err.Error(), "login_providers[0].kind: is oidc for a provider of the kind") {
			t.Errorf("%s: got %v, want refused", name, err)
		}
		pool := "\npools: [{id: 'us-east-1:00000000-0000-4000-8000-000000000001', name: demo, open_id_connect_provider_arns: ['arn:aws:iam::000000000000:oidc-provider/" + name + "']}]"
		if _, err := load(t, one+pool); err != nil {
			t.Errorf("%s, named by a pool: got %v", name, err)
		}
	}
	slash := development + provider("provider: tenant.test, issuer: 'https://tenant.test/', client_ids: [a]")
	for _, arn := range []string{"tenant.test", "tenant.test/"} {
		pool := "\npools: [{id: 'us-east-1:00000000-0000-4000-8000-000000000001', name: demo, open_id_connect_provider_arns: ['arn:aws:iam::000000000000:oidc-provider/" + arn + "']}]"
		if _, err := load(t, slash+pool); err != nil {
			t.Errorf("%s: got %v", arn, err)
		}
	}
}

// certificate is one that nobody has the key of.
const certificate = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUBGuwLuf8+UWPCzad3hOtrgshG/UwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjkyMTI5NDBaGA8yMTI2MTEwNTIxMjk0
MFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBwF
xgc/3f5Nuq5JIKIRX6UZA5aT3SRo2xulECIJHu/8ZWkAcJhM0BQ+GduWqIpRGWDG
fkHRrbtdTcWcvVjbV4ajUzBRMB0GA1UdDgQWBBSMP8zM6cKnUKSWupiUbu1+hpeO
EzAfBgNVHSMEGDAWgBSMP8zM6cKnUKSWupiUbu1+hpeOEzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCICIydsaWF83IeDdr4Dj9++9HqKqUxk/6PxBu
QEQ5KmUFAiEAzJU5ERJKLigJsxsveT8EAEN7fM6mYZTzHpMTZh+awYA=
-----END CERTIFICATE-----`
