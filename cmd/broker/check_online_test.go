package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

const (
	ecKey  = `{"kty":"EC","crv":"P-256","kid":"e","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`
	encKey = `{"kty":"RSA","use":"enc","kid":"c","n":"AQAB","e":"AQAB"}`
)

// keysOf serves discovery and a key set; discovery alone where that is empty, and nothing where discovery is false.
func keysOf(t *testing.T, discovery bool, keys string) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	if discovery {
		mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, server.URL, server.URL+"/keys")
		})
	}
	if keys != "" {
		for _, path := range []string{"/keys", "/pool_1/.well-known/jwks.json"} {
			mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"keys":[%s]}`, keys) })
		}
	}
	return server.URL
}

// Of each kind check -online says what was asked, and what the set-up lacks, on lines that begin with the
// path, the kind and the name.
func TestOnlineSaysWhatEachKindLacks(t *testing.T) {
	t.Parallel()
	idp, graph, amazon := idptest.Start(t), idptest.StartGraph(t), idptest.StartAmazon(t)
	metadata := func(until string) string {
		name := filepath.Join(t.TempDir(), "metadata.xml")
		text := samlMetadata(t, "https://idp.example/saml", 2)
		if until != "" {
			text = bytes.Replace(text, []byte("<md:EntityDescriptor"), []byte(`<md:EntityDescriptor validUntil="`+until+`"`), 1)
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return "metadata_file: '" + name + "'"
	}
	soon, past := time.Now().Add(100*time.Hour).UTC().Format(time.RFC3339), time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	none, onlyEC, onlyEnc := keysOf(t, false, ""), keysOf(t, true, ecKey), keysOf(t, true, encKey)
	oidc := func(url string) string {
		return "provider: '" + strings.TrimPrefix(url, "http://") + "', issuer: '" + url + "', client_ids: [a]"
	}
	const (
		discovery = " (asked: discovery, and the keys)"
		ec        = "FAIL, none of the 1 keys of the set is usable: 1 of \"EC\", where algorithms takes RS256, RS384, RS512"
		enc       = "FAIL, none of the 1 keys of the set is usable: 1 for another use than signatures"
		emulated  = "provider: 'localhost:9229/pool_1', kind: user_pool, endpoint: '"
	)
	for text, want := range map[string]string{
		oidc(idp.URL): "oidc " + idp.Name() + ": ok, 1 usable keys" + discovery,
		oidc(none):    "oidc " + strings.TrimPrefix(none, "http://") + ": FAIL, fetch discovery: status 404" + discovery,
		oidc(onlyEC):  "oidc " + strings.TrimPrefix(onlyEC, "http://") + ": " + ec + discovery,
		oidc(onlyEnc): "oidc " + strings.TrimPrefix(onlyEnc, "http://") + ": " + enc + discovery,
		oidc(none) + ", jwks_uri: '" + onlyEC + "/keys'":                         "oidc " + strings.TrimPrefix(none, "http://") + ": " + ec + " (asked: jwks_uri)",
		oidc(onlyEC) + ", algorithms: [ES256]":                                   "oidc " + strings.TrimPrefix(onlyEC, "http://") + ": ok, 1 usable keys",
		"provider: accounts.google.com, kind: google, issuer: '" + none + "'":    "google accounts.google.com: FAIL, fetch discovery: status 404" + discovery,
		"provider: appleid.apple.com, kind: apple, issuer: '" + onlyEnc + "'":    "apple appleid.apple.com: " + enc + discovery,
		"provider: appleid.apple.com, kind: apple, issuer: '" + idp.URL + "'":    "apple appleid.apple.com: ok, 1 usable keys" + discovery,
		emulated + onlyEC + "'":                                                  "user_pool localhost:9229/pool_1: " + strings.TrimSuffix(ec, ", RS384, RS512") + " (asked: the keys)",
		emulated + none + "'":                                                    "user_pool localhost:9229/pool_1: FAIL, fetch keys: status 404 (asked: the keys)",
		"provider: www.amazon.com, kind: amazon, endpoint: '" + amazon.URL + "'": "amazon www.amazon.com: ok, tokeninfo answers (asked: tokeninfo)",
		"provider: www.amazon.com, kind: amazon, endpoint: '" + none + "'":       "amazon www.amazon.com: FAIL, ask tokeninfo: ",
		"provider: graph.facebook.com, kind: facebook, limited_login: false, endpoint: '" + graph.URL + "', client_ids: ['" +
			idptest.AppID + "'], app_secret: '" + idptest.AppSecret + "'": "facebook graph.facebook.com: ok, the Graph API knows the app (asked: the Graph API)",
		"provider: graph.facebook.com, kind: facebook, endpoint: '" + graph.URL + "', client_ids: ['" +
			idptest.AppID + "'], app_secret: 'another-secret-of-tests'": "facebook graph.facebook.com: FAIL, the Graph API does not know the app by its id and secret",
		"provider: '" + officeARN + "', kind: saml, " + metadata(""):   "saml " + officeARN + ": ok, metadata of https://idp.example/saml with 2 usable signing certificates (asked: metadata_file)",
		"provider: '" + officeARN + "', kind: saml, " + metadata(soon): "saml " + officeARN + ": ok, metadata of https://idp.example/saml with 2 usable signing certificates; it expires soon, at " + soon,
		"provider: '" + officeARN + "', kind: saml, " + metadata(past): "saml " + officeARN + ": FAIL, the provider's metadata expired at " + past,
	} {
		file := filepath.Join(t.TempDir(), "b.yaml")
		if err := os.WriteFile(file, []byte("mode: development\nlogin_providers: [{"+text+"}]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := (&instance{}).command(t, "check", "-config", file, "-online")
		if !strings.HasPrefix(out, "login_providers[0] "+want) || (err != nil) != strings.Contains(want, "FAIL") {
			t.Errorf("%s: got %v\n%s want %s", text, err, out, want)
		}
		for line := range strings.Lines(out) {
			if !strings.HasPrefix(line, "login_providers[0] "+strings.SplitN(want, ":", 2)[0]) && !strings.HasSuffix(line, ": ok\n") {
				t.Errorf("%s: got a line without path and kind: %s", text, line)
			}
		}
		if strings.Contains(out, "another-secret") {
			t.Errorf("%s: got the secret", text)
		}
	}
	var out strings.Builder
	printOnline(&out, 3, &config.LoginProvider{Provider: someUserPool, Kind: "user_pool"}, "", errors.Join(errors.New("one"), errors.New("two")))
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "login_providers[3] user_pool "+someUserPool+": FAIL, ") {
			t.Errorf("two errors: got the line %q", line)
		}
	}
}

// Of a user pool that is asked for its users check -online says that AWS credentials are missing.
func TestOnlineSaysThatCredentialsAreMissing(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "",
	} {
		t.Setenv(name, value)
	}
	keys := keysOf(t, true, ecKey)
	file := filepath.Join(t.TempDir(), "b.yaml")
	text := "mode: development\nlogin_providers: [{provider: 'localhost:9229/pool_1', kind: user_pool, endpoint: '" + keys + "', admin_get_user: true}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const missing = "login_providers[0] user_pool localhost:9229/pool_1: FAIL, no AWS credentials are found, by which admin_get_user asks"
	out, err := (&instance{}).command(t, "check", "-config", file, "-online")
	if err == nil || !strings.Contains(out, missing) || !strings.Contains(out, "(asked: the keys, and AWS credentials)") {
		t.Errorf("without: got %q %v, want it told", out, err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDOFATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret-of-a-test")
	out, _ = (&instance{}).command(t, "check", "-config", file, "-online")
	if strings.Contains(out, "no AWS credentials") || strings.Contains(out, "OFATEST") || strings.Contains(out, "of-a-test") {
		t.Errorf("with: got %q, want nothing of them", out)
	}
}
