package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bareWarning is what check says of the pool without roles that every test broker has.
const bareWarning = "pools[2].roles: warning: gives nobody a role: the enhanced flow refuses every login and guest " +
	"(Invalid identity pool configuration)\n"

// check warns of what is valid and seldom meant in pools, and passes.
func TestCheckWarnsOfPools(t *testing.T) {
	t.Parallel()
	b := prepare(t, nil, "  - {id: 'us-east-1:0-1', name: p, roles: {authenticated: 'arn:aws:iam::999999999999:role/a'}}\n")
	const want = bareWarning + "pools[3].roles.authenticated: warning: is a role of another account than cognito.account_id\n"
	if out, err := b.command(t, "check", "-config", b.config); err != nil || out != want+b.config+": ok\n" {
		t.Errorf("got %q %v, want the warning, and ok", out, err)
	}
}

// check -store reads a store in use; without one it fails.
func TestCheckStore(t *testing.T) {
	t.Parallel()
	b := prepare(t, nil, "")
	if _, err := b.command(t, "check", "-config", b.config, "-store"); err == nil || !strings.Contains(err.Error(), "open store") {
		t.Errorf("before the first start: got %v, want no store", err)
	}
	b.start(t)
	if _, err := b.getID(t.Context(), demoPool, b.login(t, "alice")); err != nil {
		t.Fatal(err)
	}
	out, err := b.command(t, "check", "-config", b.config, "-store")
	if err != nil || out != bareWarning+b.config+": ok\n" {
		t.Errorf("a store in use: got %q %v, want ok", out, err)
	}
}

// check names trust policies that let in more than anybody means, and passes.
func TestCheckWarnsOfTrustPolicies(t *testing.T) {
	t.Parallel()
	policy := func(conditions string) string {
		return `{"Statement":{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{` + conditions + `}}}`
	}
	const aud, amr = `"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:00"}`, `"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}`
	b := prepare(t, nil, "roles:\n  - {arn: 'arn:aws:iam::000000000000:role/loose', trust_policy: '"+policy(aud)+"'}\n"+
		"  - {arn: 'arn:aws:iam::000000000000:role/tight', trust_policy: '"+policy(aud+","+amr)+"'}\n")
	out, err := b.command(t, "check", "-config", b.config)
	if err != nil || !strings.Contains(out, "roles[0].trust_policy: warning: ") || strings.Contains(out, "roles[1]") || !strings.HasSuffix(out, ": ok\n") {
		t.Errorf("got %q %v, want a warning of the first role alone", out, err)
	}
}

// A pool's developer provider cannot change: check -store says so before a start
// does, and both name the key.
func TestDeveloperProviderStays(t *testing.T) {
	t.Parallel()
	b := prepare(t, nil, "")
	b.start(t)
	b.stop(t)
	b.edit(t, "login.example, open_id_connect_provider_arns: [], name: demo", "other.example, open_id_connect_provider_arns: [], name: demo")
	const want = `pools[0].developer_provider_name: cannot change; expected "login.example", as it is in the store`
	for _, command := range [][]string{{"check", "-store"}, {"serve"}} {
		if _, err := b.command(t, append(command, "-config", b.config)...); err == nil || err.Error() != want {
			t.Errorf("%v: got %v, want %s", command, err, want)
		}
	}
}

// check refuses what serve would of the files by which Redis is spoken to.
func TestCheckReadsTheCertificatesOfRedis(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		empty:                "cache.redis.tls.ca_file: holds no certificate; expected PEM",
		empty + ".not-there": "cache.redis.tls.ca_file: open ",
	} {
		b := prepare(t, nil, "cache: {redis: {addresses: ['127.0.0.1:1'], keys: ['"+base64Key()+"'], name_key: '"+base64Key()+"', tls: {enabled: true, ca_file: '"+file+"'}}}\n")
		for _, command := range []string{"check", "serve"} {
			if _, err := b.command(t, command, "-config", b.config); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", command, err, want)
			}
		}
	}
}
