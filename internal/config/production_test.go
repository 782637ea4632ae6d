package config_test

import (
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

// production is the least that production accepts.
var production = "public_url: https://broker.example\nsts: {keys: [" + base64Key(0) + "]}\n"

func TestProduction(t *testing.T) {
	c := mustLoad(t, production)
	if c.Mode != config.ModeProduction || c.Log.Format != "json" {
		t.Errorf("got mode %q, format %q; want production, json", c.Mode, c.Log.Format)
	}
	mustLoad(t, strings.Replace(production, "https://broker.example", "http://localhost:8080", 1))
	mustLoad(t, strings.Replace(production, "https://broker.example", "'http://[::1]:8080'", 1))
	mustLoad(t, production+provider("provider: '127.0.0.1:9000', issuer: 'http://127.0.0.1:9000', client_ids: [a]"))
	mustLoad(t, "mode: development\n"+provider("provider: idp.test, issuer: 'http://idp.test', client_ids: [a]"))

	for _, tt := range []struct{ name, text, path, part string }{
		{"empty file", "", "sts.keys", "broker keys new"},
		{"only a comment", "# nothing\n", "sts.keys", "production"},
		{"development provider", production + "development: {identity_provider: true}", "development.identity_provider",
			"production"},
		{"development secret",
			production +
				"callers: [{name: b, access_key_id: AKIDEXAMPLEBACKEND, secret_access_key: development-only-secret-access-key, " +
				"api_key: an-api-key-of-16+, scopes: [admin], pools: ['*']}]",
			"callers[0].secret_access_key", "configs/development.yaml"},
		{"http", strings.Replace(production, "https", "http", 1), "public_url", "http in production"},
		{"http, explicit mode", "mode: production\n" + strings.Replace(production, "https", "http", 1), "public_url",
			"http in production"},
		{"derived http", "listen: 10.0.0.1:80\n" + strings.Split(production, "\n")[1], "public_url", "http in production"},
		{"loopback in the name only", strings.Replace(production, "https://broker.example", "http://localhost.evil.example",
			1), "public_url", "http in production"},
		{"no keys", "public_url: https://broker.example", "sts.keys", "production"},
		{"memory store", production + "cognito: {store: ':memory:'}", "cognito.store", "production"},
		{"everybody a proxy", production + "limits: {trusted_proxies: [10.0.0.0/8, '::/0']}", "limits.trusted_proxies[1]",
			"trusts everybody"},
		{"http login provider", production + provider("provider: idp.test, issuer: 'http://idp.test', client_ids: [a]"),
			"login_providers[0].issuer", "http in production"},
		{"second http login provider", production + "login_providers: [{" + goodProvider +
			"}, {provider: 'localhost.idp.test', issuer: 'http://localhost.idp.test', client_ids: [a]}]",
			"login_providers[1].issuer", "https, or a loopback host"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.text)
			wantError(t, err, tt.path, tt.part)
		})
	}
}
