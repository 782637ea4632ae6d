package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// A genuine token of mallory in which a lenient reader would find alice, or nobody,
// gets nothing by any way in.
func TestMalloryIsNotAlice(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t)
	b := startBroker(t, []string{idp.URL}, "")
	ctx := t.Context()
	logins := func(token string) map[string]string { return map[string]string{idp.Name(): token} }
	alice, err := b.getID(ctx, demoPool, logins(idp.Token(nil)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.getCredentials(ctx, alice, logins(idp.Token(nil))); err != nil { // cached from here on
		t.Fatal(err)
	}
	const want = "Invalid login token. Not a valid OpenId Connect identity token."
	for _, members := range []string{
		`,"SUB":"alice"`, `,"Sub":"alice"`, ",\"\u017fub\":\"alice\"", `,"\u017fub":"alice"`, `,"Sub":""`, `,"sub":"alice"`, `,"\u0073ub":"alice"`,
		`,"ISS":"x"`, `,"AUD":["x"]`, `,"x":"\ud800"`, ",\"x\":\"\xff\"", `,"x":[{"y":1,"y":2}]`,
	} {
		token := idp.SignRaw(idp.Header(""), idp.Payload("mallory", members))
		if id, err := b.getID(ctx, demoPool, logins(token)); message(err) != want {
			t.Errorf("GetId with %s: got %q, %v", members, id, err)
		}
		if _, err := b.getCredentials(ctx, alice, logins(token)); message(err) != want {
			t.Errorf("GetCredentialsForIdentity with %s: got %v", members, err)
		}
		if a := b.rest(t, demoPool, "credentials", map[string]any{"logins": logins(token)}); a.status != http.StatusForbidden {
			t.Errorf("REST with %s: got %d, want 403", members, a.status)
		}
		_, err := b.stsClient().AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(authRole), RoleSessionName: aws.String("s"), WebIdentityToken: aws.String(token),
		})
		if err == nil {
			t.Errorf("STS with %s: got credentials", members)
		}
	}
	good := idp.Token(nil)
	for _, spelt := range []string{good + "\n", good + "\r\n", good[:len(good)-4] + "\n" + good[len(good)-4:], strings.Replace(good, ".", "\n.", 1), good + "="} {
		if _, err := b.getCredentials(ctx, alice, logins(spelt)); message(err) != want {
			t.Errorf("another spelling: got %v, want %q", err, want)
		}
	}
	mallory, err := b.getID(ctx, demoPool, logins(idp.SignRaw(idp.Header(""), idp.Payload("mallory", ""))))
	if err != nil || mallory == alice {
		t.Errorf("mallory himself: got %q, %v, want an identity of his own", mallory, err)
	}
}

// What Keycloak signs for other purposes, with the header of its ID tokens, gets nobody's
// identity by any way in.
func TestKeycloaksOtherTokens(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t)
	b := startBroker(t, []string{idp.URL}, "")
	ctx := t.Context()
	token := func(typ string) map[string]string {
		return map[string]string{idp.Name(): idp.SignRaw(idp.Header(`,"typ":"JWT"`), idp.Payload("alice", `,"azp":"web-app","typ":"`+typ+`"`))}
	}
	alice, err := b.getID(ctx, demoPool, token("ID"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.getCredentials(ctx, alice, token("ID")); err != nil { // cached from here on
		t.Fatal(err)
	}
	const want = "Invalid login token. Not a valid OpenId Connect identity token."
	for _, typ := range []string{"Bearer", "DPoP", "Refresh", "Offline", "Logout"} {
		if id, err := b.getID(ctx, demoPool, token(typ)); message(err) != want {
			t.Errorf("GetId with typ %s: got %q, %v", typ, id, err)
		}
		if _, err := b.getCredentials(ctx, alice, token(typ)); message(err) != want {
			t.Errorf("GetCredentialsForIdentity with typ %s: got %v", typ, err)
		}
		if a := b.rest(t, demoPool, "credentials", map[string]any{"logins": token(typ)}); a.status != http.StatusForbidden {
			t.Errorf("REST with typ %s: got %d, want 403", typ, a.status)
		}
	}
}

// An issuer that ends in a slash works by its key without one, whichever way the pool's
// ARN is written, and explain finds the key by the token.
func TestIssuerWithASlash(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t)
	idp.URL += "/"
	b := startBroker(t, []string{idp.URL}, "")
	if _, err := b.getID(t.Context(), demoPool, map[string]string{idp.Name(): idp.Token(nil)}); err != nil {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(idp.Token(nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := b.command(t, "explain", "-config", b.config, "-pool", demoPool, "-token-file", file); err != nil || !strings.Contains(out, "granted: "+authRole) {
		t.Errorf("explain: got %v %s", err, out)
	}
}

// A provider that is set up wrongly is a passing error to apps, and a cause to
// operators: by check -online, explain, a metric and the log.
func TestProviderSetUpWrongly(t *testing.T) {
	t.Parallel()
	sound, broken := idptest.Start(t), idptest.Start(t)
	broken.Break(http.NotFound)
	b := startBroker(t, []string{sound.URL, broken.URL}, "")
	const cause = "fetch discovery: status 404"
	out, err := b.command(t, "check", "-config", b.config, "-online")
	if err == nil || !strings.Contains(out, "login_providers[0] oidc "+sound.Name()+": ok, 1 usable keys (asked: discovery, and the keys)\n") ||
		!strings.Contains(out, "login_providers[1] oidc "+broken.Name()+": FAIL, "+cause) || strings.Contains(out, "login_providers[2]") {
		t.Errorf("check -online: got %v %s", err, out)
	}
	if out, err := b.command(t, "check", "-config", b.config); err != nil {
		t.Errorf("check, offline: got %v %s", err, out)
	}
	token := broken.Token(nil)
	if _, err := b.getID(t.Context(), demoPool, map[string]string{broken.Name(): token}); code(err) != "ExternalServiceException" {
		t.Errorf("an app: got %v, want a passing error", err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = b.command(t, "explain", "-config", b.config, "-pool", demoPool, "-token-file", file)
	if err == nil || !strings.Contains(out, cause) || !strings.Contains(out, "denied: ExternalServiceException") {
		t.Errorf("explain: got %v %s", err, out)
	}
	if a := b.send(t, http.MethodGet, "/metrics", ""); !strings.Contains(string(a.body), `broker_login_provider_up{provider="`+broken.Name()+`"} 0`) {
		t.Error("metrics: the provider is not told to be down")
	}
	if logs := b.logs.String(); strings.Count(logs, "login provider has no keys for us") != 1 || !strings.Contains(logs, cause) || strings.Contains(logs, token) {
		t.Errorf("log: got %s", logs)
	}
}
