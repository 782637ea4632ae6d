package config_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/config"
)

const productionFile = "../../configs/production.yaml"

// upstream is the least that a broker in front of real Cognito needs.
const upstream = "public_url: https://broker.example\nsts: {backend: aws}\ncognito: {backend: aws}\n"

func TestProductionFile(t *testing.T) {
	environ := []string{
		"BACKEND_ACCESS_KEY_ID=AKIDBACKEND000000000", "BACKEND_SECRET_ACCESS_KEY=secret-of-backend",
		"BACKEND_API_KEY=api-key-of-backend",
		"OPERATOR_ACCESS_KEY_ID=AKIDOPERATOR00000000", "OPERATOR_SECRET_ACCESS_KEY=secret-of-operator",
		"OPERATOR_API_KEY=api-key-of-operator",
	}
	c, err := config.Load(productionFile, environ)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mode != config.ModeProduction || c.Cognito.Backend != config.BackendAWS || c.STS.Backend != config.BackendAWS ||
		c.Log.Format != "json" {
		t.Errorf("got mode %s, backends %s and %s, log %s", c.Mode, c.Cognito.Backend, c.STS.Backend, c.Log.Format)
	}
	if len(c.Limits.TrustedProxies) == 0 || len(c.LoginProviders) == 0 || len(c.Pools) == 0 ||
		c.Pools[0].MinRemaining != 15*time.Minute {
		t.Errorf("got proxies %v, providers %v, pools %v; want some of each", c.Limits.TrustedProxies, c.LoginProviders,
			c.Pools)
	}
	seen := 0
	config.EachSecret(c, func(path, text string) {
		if text == "" {
			return
		}
		seen++
		if !slices.ContainsFunc(environ, func(v string) bool { return strings.HasSuffix(v, "="+text) }) {
			t.Errorf("%s stands in the file, want it from a variable", path)
		}
	})
	if want := []string{"backend", "operator"}; seen != 4 || c.Callers[0].Name != want[0] || c.Callers[1].Name != want[1] {
		t.Errorf("got %d secrets of %d callers, want two each of %v", seen, len(c.Callers), want)
	}
	_, err = config.Load(productionFile, environ[1:])
	wantError(t, err, "callers[0].access_key_id", "BACKEND_ACCESS_KEY_ID, which is not set")
}

func TestIssuerOfTheBackend(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"engine", "cognito: {}", "https://broker.example"},
		{"engine, given", "cognito: {issuer: 'https://id.example/x'}", "https://id.example/x"},
		{"AWS", "cognito: {backend: aws}\nsts: {backend: aws}", "https://cognito-identity.amazonaws.com"},
		{"another broker", "cognito: {backend: aws, endpoint: 'http://127.0.0.1:1'}\nsts: {backend: aws}",
			"https://broker.example"},
		{"another broker's",
			"cognito: {backend: aws, endpoint: 'http://127.0.0.1:1', issuer: 'https://id.example'}\nsts: {backend: aws}",
			"https://id.example"},
	} {
		if got := mustLoad(t,
			"mode: development\npublic_url: https://broker.example\n"+tt.text).Cognito.Issuer; got != tt.want {
			t.Errorf("%s: got issuer %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestUpstreamBackends(t *testing.T) {
	foreignSTS := "sts: {backend: aws, endpoint: 'http://minio.example:9000'}\n"
	engine := "public_url: https://broker.example\n" + foreignSTS
	insecure := func(text string) string { return strings.Replace(text, "https://", "http://", 1) }
	cognito := func(more string) string {
		return strings.Replace(upstream, "cognito: {backend: aws}", "cognito: {backend: aws, "+more+"}", 1)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"least", upstream, ""},
		{"the engine's store and rotation", cognito("store: ':memory:', signing_rotation: 1h"), ""},
		{"the built-in STS's keys",
			strings.Replace(upstream, "sts: {backend: aws}", "sts: {backend: aws, keys: ["+base64Key(0)+"]}", 1), ""},
		{"no quotas", cognito("limits: {}"), ""},
		{"quotas", cognito("limits: {GetId: 25}"),
			"cognito.limits: does nothing without backend: embedded; expected {}, or backend: embedded"},
		{"issuer without endpoint", cognito("issuer: 'https://broker.example'"),
			"cognito.issuer: does nothing under backend: aws without an endpoint; expected \"\", or cognito.endpoint"},
		{"builtin STS", "cognito: {backend: aws}", "sts.backend: is builtin under cognito.backend: aws; expected aws"},
		{"builtin STS in development", "mode: development\ncognito: {backend: aws}\nsts: {backend: builtin}",
			"sts.backend: is builtin under cognito.backend: aws; expected aws"},

		{"engine before another STS", engine, ""},
		{"http issuer, derived", insecure("public_url: https://127.0.0.1:8080\n" + foreignSTS),
			"cognito.issuer: is http in production under sts.backend: aws; expected https, here or in public_url"},
		{"http issuer, given", engine + "cognito: {issuer: 'http://broker.example'}",
			"cognito.issuer: is http in production under sts.backend: aws; expected https, here or in public_url"},
		{"http issuer for the built-in STS", production + "cognito: {issuer: 'http://broker.example'}", ""},
		{"http issuer of another broker",
			"public_url: http://127.0.0.1:8080\nsts: {backend: aws}\ncognito: {backend: aws, endpoint: 'http://127.0.0.1:1'}",
			""},
		{"http issuer in development", "mode: development\n" + insecure(engine), ""},

		{"unknown providers, no name",
			upstream +
				"pools: [{id: 'us-east-1:1', open_id_connect_provider_arns: ['arn:aws:iam::000000000000:oidc-provider/idp.test']}]",
			""},
		{"no pool id", upstream + "pools: [{name: p}]",
			"pools[0].id: is missing; expected <region>:<guid>, such as us-east-1:00000000-0000-4000-8000-000000000001"},
		{"pool twice", upstream + "pools: [{id: 'us-east-1:1'}, {id: 'us-east-1:1'}]",
			"pools[1].id: stands there twice; expected each pool once"},
		{"floor", upstream + "pools: [{id: 'us-east-1:1', min_remaining: 13h}]",
			"pools[0].min_remaining: is out of range; expected 0s to 12h0m0s"},
		{"bad name", upstream + "pools: [{id: 'us-east-1:1', name: 'a/b'}]",
			"pools[0].name: has not the right form; expected 1 to 128 letters, digits, blanks, _ + = , . @ -"},
		{"bad provider ARN", upstream + "pools: [{id: 'us-east-1:1', open_id_connect_provider_arns: [x]}]",
			"pools[0].open_id_connect_provider_arns[0]: is not the ARN of an OpenID provider; expected " +
				"arn:aws:iam::<account>:oidc-provider/<provider>"},
		{"bad role", upstream + "pools: [{id: 'us-east-1:1', roles: {authenticated: x}}]",
			"pools[0].roles.authenticated: is not the ARN of a role; expected arn:aws:iam::<account>:role/<name>"},
		{"development provider", upstream + "development: {identity_provider: true}",
			"development.identity_provider: is refused in production; expected false, or mode: development"},
		{"http login provider", upstream + provider("provider: idp.test, issuer: 'http://idp.test', client_ids: [a]"),
			"login_providers[0].issuer: is http in production; expected https, or a loopback host"},
		{"no name in front of the engine", production + "pools: [{id: 'us-east-1:1'}]",
			"pools[0].name: is missing; expected 1 to 128 letters, digits, blanks, _ + = , . @ -"},
	} {
		_, err := load(t, tt.text)
		if got := message(err); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// In development the provider serves in front of upstream as well: its key lies
// where the store would, and pools stay as they are.
func TestDevelopmentProviderInFrontOfUpstream(t *testing.T) {
	base := "mode: development\ndevelopment: {identity_provider: true}\npools: [{id: 'us-east-1:1'}]\nsts: {backend: " +
		"aws}\n"
	c := mustLoad(t, base+"cognito: {backend: aws, store: ../data/x.db}")
	if got := c.DevelopmentKeyFile(); !filepath.IsAbs(got) ||
		!strings.HasSuffix(got, filepath.Join("data", "x.db.dev-idp.pem")) {
		t.Errorf("DevelopmentKeyFile: got %q, want it beside the store's name", got)
	}
	want := []config.LoginProvider{
		{Provider: "127.0.0.1:8080/dev/idp", Kind: "oidc", Issuer: "http://127.0.0.1:8080/dev/idp",
			ClientIDs: []string{"demo-app"}},
	}
	if d := cmp.Diff(want, c.LoginProviders); d != "" {
		t.Errorf("login providers (-want +got):\n%s", d)
	}
	if got := c.Pools[0].OpenIDConnectProviderARNs; got != nil {
		t.Errorf("the pool's providers: got %q, want upstream's business", got)
	}
	if got := mustLoad(t, base+"cognito: {backend: aws, store: ':memory:'}").DevelopmentKeyFile(); got != "" {
		t.Errorf("DevelopmentKeyFile for :memory: got %q, want none", got)
	}
}

// An STS elsewhere than at AWS may be MinIO, whose roles have no account.
func TestRolesOfAnotherSTS(t *testing.T) {
	const role = "arn:minio:iam:::role/YxD89tdZbgDIIUxBIG-GhUMjy4U"
	for _, tt := range []struct{ name, sts, role, want string }{
		{"MinIO's", "{backend: aws, endpoint: 'http://127.0.0.1:1'}", role, ""},
		{"with a region", "{backend: aws, endpoint: 'http://127.0.0.1:1'}", "arn:minio:iam:us-east-1::role/r", ""},
		{"AWS's", "{backend: aws, endpoint: 'http://127.0.0.1:1'}", "arn:aws:iam::000000000000:role/r", ""},
		{"with an account", "{backend: aws, endpoint: 'http://127.0.0.1:1'}", "arn:minio:iam::000000000000:role/r",
			"expected arn:aws:iam::<account>:role/<name> or arn:minio:iam:::role/<id>"},
		{"of nobody", "{backend: aws, endpoint: 'http://127.0.0.1:1'}", "arn:other:iam:::role/r", "is not the ARN of a role"},
		{"at AWS", "{backend: aws}", role, "expected arn:aws:iam::<account>:role/<name>"},
		{"built in", "{backend: builtin}", role, "expected arn:aws:iam::<account>:role/<name>"},
	} {
		for _, slot := range []string{"authenticated", "unauthenticated"} {
			text := "mode: development\nsts: " + tt.sts + "\npools: [{id: 'us-east-1:1', name: p, roles: {" + slot + ": '" +
				tt.role + "'}}]"
			c, err := load(t, text)
			switch {
			case tt.want != "":
				wantError(t, err, "pools[0].roles."+slot, tt.want)
			case err != nil:
				t.Errorf("%s: got %v, want it taken", tt.name, err)
			case c.Pools[0].Roles.Authenticated+c.Pools[0].Roles.Unauthenticated != tt.role:
				t.Errorf("%s: got %+v, want the role in its slot", tt.name, c.Pools[0].Roles)
			}
		}
	}
}
