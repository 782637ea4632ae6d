package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

const developmentFile = "../../configs/development.yaml"

func TestDevelopmentFile(t *testing.T) {
	c, err := config.Load(developmentFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.DevelopmentIssuer(), "http://127.0.0.1:8080/dev/idp"; got != want {
		t.Errorf("DevelopmentIssuer: got %q, want %q", got, want)
	}
	if got := c.DevelopmentKeyFile(); got != c.Cognito.Store+".dev-idp.pem" || filepath.Base(filepath.Dir(got)) != "data" {
		t.Errorf("DevelopmentKeyFile: got %q, want it beside the store", got)
	}
	if len(c.LoginProviders) != 1 || len(c.Pools) != 1 || c.Pools[0].ID != demoPool {
		t.Errorf("got %d login providers, %d pools; want the development provider and the demo pool", len(c.LoginProviders),
			len(c.Pools))
	}
	if got := c.Pools[0].OpenIDConnectProviderARNs; len(got) != 1 ||
		!strings.HasSuffix(got[0], "/127.0.0.1:8080/dev/idp") {
		t.Errorf("provider ARNs: got %q, want the development provider's", got)
	}
}

// Whoever copies configs/development.yaml into production must not get far.
func TestProductionRefusesEachDevelopmentSecret(t *testing.T) {
	c, err := config.Load(developmentFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	config.EachSecret(c, func(path, text string) {
		if text == "" {
			return
		}
		seen++
		_, err := load(t, production, "BROKER_CACHE__REDIS__PASSWORD='"+text+"'")
		wantError(t, err, "cache.redis.password", "configs/development.yaml")
		if strings.Contains(err.Error(), text) {
			t.Errorf("the error shows the secret of %s", path)
		}
	})
	if seen < 2 {
		t.Errorf("got %d secrets in %s, want at least the caller's two", seen, developmentFile)
	}
	for _, key := range append(c.STS.Keys, c.Cache.Redis.Keys...) {
		t.Errorf("%s holds key %v, which production does not know to refuse", developmentFile, key)
	}
}

func TestDevelopmentProvider(t *testing.T) {
	pools := "pools:\n- {id: '" + demoPool + "', name: a}\n" +
		"- {id: 'us-east-1:1', name: b, open_id_connect_provider_arns: " +
		"['arn:aws:iam::123456789012:oidc-provider/broker.test/x/dev/idp']}\n"
	base := "mode: development\npublic_url: https://broker.test/x/\ncognito: {account_id: '123456789012'}\n" + pools

	c := mustLoad(t, base+"development: {identity_provider: true, client_id: app}")
	const want = "arn:aws:iam::123456789012:oidc-provider/broker.test/x/dev/idp"
	for i, p := range c.Pools {
		if got := p.OpenIDConnectProviderARNs; len(got) != 1 || got[0] != want {
			t.Errorf("pools[%d]: got %q, want %q once", i, got, want)
		}
	}
	if got := c.DevelopmentIssuer(); got != "https://broker.test/x/dev/idp" {
		t.Errorf("DevelopmentIssuer: got %q", got)
	}

	_, err := load(t, base) // switched off, nobody vouches for the second pool's ARN
	wantError(t, err, "pools[1].open_id_connect_provider_arns[0]", "names no login provider")

	off := mustLoad(t, "mode: development\npools: [{id: 'us-east-1:1', name: a}]")
	if off.DevelopmentIssuer() != "" || off.DevelopmentKeyFile() != "" || len(off.LoginProviders) != 0 ||
		off.Pools[0].OpenIDConnectProviderARNs != nil {
		t.Errorf("switched off: got issuer %q, key file %q, providers %v", off.DevelopmentIssuer(), off.DevelopmentKeyFile(),
			off.LoginProviders)
	}
	memory := mustLoad(t, "mode: development\ndevelopment: {identity_provider: true}\ncognito: {store: ':memory:'}")
	if got := memory.DevelopmentKeyFile(); got != "" {
		t.Errorf("DevelopmentKeyFile for :memory: got %q, want none", got)
	}
}
