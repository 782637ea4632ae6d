package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// explain says for each kind what was checked of a good login, and which claim or condition refused
// another; it repeats nothing of a token.
func TestExplainSaysWhatEachKindRefused(t *testing.T) {
	t.Parallel()
	b := startKinds(t)
	long := time.Now().Add(-time.Hour).Unix()
	graph := func(app string) string { return b.graph.Token(idptest.GraphToken{App: app, User: "1001"}) }
	amazon := func(app, client string) string {
		return b.amazon.Token(idptest.AmazonToken{App: app, Client: client, User: "alice", Left: 3600})
	}
	for _, c := range []struct {
		provider, token, want string
	}{
		{"accounts.google.com", b.jwt("alice", "app", nil), "ok  login accounts.google.com: issuer, signature, client and time are good; client app"},
		{"appleid.apple.com", b.jwt("alice", "app", nil), "ok  login appleid.apple.com: issuer, signature, client and time are good; client app"},
		{someUserPool, b.jwt("alice", "app", nil), "ok  login " + someUserPool + ": issuer, signature, token_use, client and time are good; client app"},
		{"graph.facebook.com", graph(idptest.AppID), "ok  login graph.facebook.com: the provider vouches for the token, app and time are good; app " + idptest.AppID},
		{"graph.facebook.com", b.graph.Limited("1001", time.Now(), nil), "ok  login graph.facebook.com: the provider vouches for the token"},
		{"www.amazon.com", amazon("amzn.app", "client"), "ok  login www.amazon.com: the provider vouches for the token, app and time are good; app "},

		{"accounts.google.com", b.jwt("alice", "other", nil), "no  login accounts.google.com: Token is not from a supported provider of this identity pool. ("},
		{"accounts.google.com", b.jwt("alice", "app", idptest.Claims{"azp": "other"}), "no  login accounts.google.com: Token is not from a supported provider of this identity pool. ("},
		{"appleid.apple.com", b.jwt("alice", "app", idptest.Claims{"exp": long}), "no  login appleid.apple.com: Invalid login token. Token expired: "},
		{"appleid.apple.com", b.jwt("alice", "app", idptest.Claims{"iss": "https://other.example"}), "no  login appleid.apple.com: Invalid login token. Issuer doesn't match providerName"},
		{someUserPool, b.jwt("alice", "app", idptest.Claims{"token_use": "access"}), "(token_use is not id)"},
		{someUserPool, b.jwt("alice", "app", idptest.Claims{"sub": nil}), "no  login " + someUserPool + ": Invalid login token. Missing a required claim: sub"},
		{someUserPool, b.jwt("alice", "app", nil) + "x", "no  login " + someUserPool + ": Invalid login token. "},
		{someUserPool, b.jwt("alice", "third", nil), "no  login " + someUserPool + ": Token is not from a supported provider of this identity pool. ("},
		{"graph.facebook.com", graph("1"), "no  login graph.facebook.com: "},
		{"graph.facebook.com", "EAA" + strings.Repeat("x", 40), "no  login graph.facebook.com: Invalid login token. ("},
		{"graph.facebook.com", "ya29.secretsecretsecret", "no  login graph.facebook.com: Invalid login token. ("},
		{"www.amazon.com", amazon("amzn.other", "else"), "no  login www.amazon.com: Token is not from a supported provider of this identity pool. ("},
		{"www.amazon.com", "Atza|" + strings.Repeat("y", 400), "no  login www.amazon.com: Invalid login token. (tokeninfo says that the token is not valid"},
	} {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(c.token), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := b.command(t, "explain", "-config", b.config, "-pool", everyKind, "-provider", c.provider, "-token-file", file)
		if !strings.Contains(out, c.want) {
			t.Errorf("%s: got no %q in\n%s", c.provider, c.want, out)
		}
		if strings.Contains(out, c.token) || strings.Contains(out, "secretsecret") {
			t.Errorf("%s: the explanation holds the token", c.provider)
		}
	}
}
