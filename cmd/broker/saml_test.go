package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/saml/samltest"
)

const (
	office     = "arn:aws:iam::000000000000:saml-provider/office"
	officePool = "us-east-1:00000000-0000-4000-8000-0000000000e5"
	samlRole   = "https://aws.amazon.com/SAML/Attributes/Role"
)

// startOffice runs a broker whose pool takes logins of a SAML provider, and one in front of it that proves them too.
func startOffice(t testing.TB, idp *samltest.IDP) map[string]*instance {
	t.Helper()
	metadata := filepath.Join(t.TempDir(), "metadata.xml")
	if err := os.WriteFile(metadata, idp.Metadata, 0o600); err != nil {
		t.Fatal(err)
	}
	provider := fmt.Sprintf("  - {provider: '%s', kind: saml, metadata_file: '%s', "+
		"recipients: ['https://app.example/acs']}\n", office, metadata)
	engine := prepare(t, nil, fmt.Sprintf("  - {id: '%s', name: office, saml_provider_arns: ['%s'],\n"+
		"     roles: {authenticated: 'arn:aws:iam::000000000000:role/office'}}\nlogin_providers:\n", officePool, office)+provider)
	engine.start(t)
	front := startUpstream(t, engine, engine.url, "")
	front.stop(t)
	front.edit(t, "login_providers:\n", "login_providers:\n"+provider)
	front.start(t)
	return map[string]*instance{"engine": engine, "in front": front}
}

func ofRole(name string) map[string][]string {
	return map[string][]string{samlRole: {"arn:aws:iam::000000000000:role/" + name + "," + office}}
}

// A login by SAML, from the provider's Response to credentials, by REST and by the wire, on the engine and in
// front of it: a fresh Response of the same user is answered from the cache, another user is another identity, and
// the role is the attribute's.
func TestSAMLEndToEnd(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t)
	brokers := startOffice(t, idp)
	alices := map[string]bool{}
	for _, what := range []string{"engine", "in front"} { // which warms the engine
		b := brokers[what]
		grant := func(l samltest.Login) answer {
			t.Helper()
			return b.rest(t, officePool, "credentials", map[string]any{"logins": map[string]string{office: idp.Respond(t, l)}})
		}
		first := grant(samltest.Login{User: "alice", Attributes: ofRole("one")})
		again := grant(samltest.Login{User: "alice", At: time.Now().Add(-time.Minute), Attributes: ofRole("one")})
		if first.status != 200 || again.status != 200 || again.header.Get("X-Cache") != "hit" {
			t.Fatalf("%s: got %d, then %d, X-Cache %q: %s", what, first.status, again.status, again.header.Get("X-Cache"),
				first.tree["detail"])
		}
		alice := identityIn(t, first)
		alices[alice], alices[identityIn(t, again)] = true, true
		a := grant(samltest.Login{User: "alice", Attributes: ofRole("two")})
		if a.header.Get("X-Cache") != "miss" {
			t.Errorf("%s, another role: got %d, X-Cache %q", what, a.status, a.header.Get("X-Cache"))
		}
		if a := grant(samltest.Login{User: "bob", Attributes: ofRole("one")}); a.status != 200 || identityIn(t, a) == alice {
			t.Errorf("%s, another user: got %d %s", what, a.status, a.tree["detail"])
		}
		wire := map[string]string{office: idp.Respond(t, samltest.Login{
			User: "alice", Recipient: "https://app.example/acs", Attributes: ofRole("one"),
		})}
		if id, err := b.getID(t.Context(), officePool, wire); err != nil || id != alice {
			t.Errorf("%s, GetId: got %s, %v", what, id, err)
		}
		out, err := b.getCredentials(t.Context(), alice, wire)
		if err != nil {
			t.Fatalf("%s, GetCredentialsForIdentity: %v", what, err)
		}
		c := out.Credentials
		who, err := brokers["engine"].whoAmI(t.Context(), *c.AccessKeyId, *c.SecretKey, *c.SessionToken)
		if err != nil || !strings.Contains(*who.Arn, ":assumed-role/one/") {
			t.Errorf("%s: the session is %v, %v, want one of the attribute's role", what, who, err)
		}
		if a := b.rest(t, officePool, "token", map[string]any{"identityId": alice, "logins": wire}); a.status < 400 {
			t.Errorf("%s: got a token for the classic flow", what)
		}
		if strings.Contains(b.logs.String(), wire[office][:200]) {
			t.Errorf("%s: the log has a Response", what)
		}
	}
	if len(alices) != 1 {
		t.Errorf("got identities %v for one user", alices)
	}
}

// What the conditions, the key or the account do not allow gets nothing, whoever is warmed.
func TestSAMLRefusedEndToEnd(t *testing.T) {
	t.Parallel()
	idp, other := samltest.New(t), samltest.New(t)
	for what, b := range startOffice(t, idp) {
		login := func(l samltest.Login) map[string]string {
			l.User = "alice"
			return map[string]string{office: idp.Respond(t, l)}
		}
		good := b.rest(t, officePool, "credentials", map[string]any{"logins": login(samltest.Login{})})
		alice := identityIn(t, good)
		for wrong, l := range map[string]map[string]string{
			"late":           login(samltest.Login{At: time.Now().Add(-6 * time.Minute)}),
			"early":          login(samltest.Login{At: time.Now().Add(5 * time.Minute)}),
			"for others":     login(samltest.Login{Audience: "https://other.example"}),
			"sent elsewhere": login(samltest.Login{Recipient: "https://other.example/acs"}),
			"another issuer": login(samltest.Login{Issuer: "https://other.example"}),
			"another's key":  {office: other.Respond(t, samltest.Login{User: "alice"})},
			"no Response":    {office: "bm90IGEgcmVzcG9uc2U="},
			"another account's role": login(samltest.Login{Attributes: map[string][]string{
				samlRole: {"arn:aws:iam::111111111111:role/one," + office},
			}}),
		} {
			if a := b.rest(t, officePool, "credentials", map[string]any{"logins": l}); a.status != 403 {
				t.Errorf("%s, %s: got %d %s, want it refused", what, wrong, a.status, a.tree["detail"])
			}
			if _, err := b.getCredentials(t.Context(), alice, l); code(err) != "NotAuthorizedException" {
				t.Errorf("%s, %s, by the wire: got %v", what, wrong, err)
			}
		}
	}
}

// What is wrong with a SAML provider's files and lists is told with its key, and quotes none of it.
func TestSAMLConfigurationIsToldByKey(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	metadata, err := filepath.Abs("../../internal/saml/testdata/samlp/metadata.xml")
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		key string
		of  config.LoginProvider
	}{
		{"", config.LoginProvider{MetadataFile: metadata, Recipients: []string{"https://app.example/acs"}}},
		{"metadata_file", config.LoginProvider{MetadataFile: missing}},
		{"metadata_file", config.LoginProvider{MetadataFile: file("<x/>")}},
		{"decryption_keys_file", config.LoginProvider{MetadataFile: metadata, DecryptionKeysFile: missing}},
		{"decryption_keys_file", config.LoginProvider{MetadataFile: metadata, DecryptionKeysFile: file("quoted")}},
		{"recipients", config.LoginProvider{MetadataFile: metadata, Recipients: []string{"quoted"}}},
		{"audiences", config.LoginProvider{MetadataFile: metadata, Audiences: []string{""}}},
	} {
		_, err := samlConfig(&c.of, "login_providers[0]")
		switch {
		case c.key == "" && err != nil:
			t.Errorf("a good one: got %v", err)
		case c.key == "":
		case err == nil || !strings.HasPrefix(err.Error(), "login_providers[0]."+c.key+": ") || !strings.Contains(err.Error(), "; expected ") || strings.Contains(err.Error(), "quoted"):
			t.Errorf("%+v: got %v, want it told by %s", c.of, err, c.key)
		}
	}
}
