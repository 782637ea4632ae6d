package embedded_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/sts"
)

// A provider with rules of its own that is configured as a plain OpenID provider gives
// identities to pools that name its ARN, and to no other: not as a social provider, and
// not as a user pool, whose check of tokens nobody would make.
func TestProvidersOfOtherKinds(t *testing.T) {
	const google, users = "accounts.google.com", "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"
	idp := idptest.Start(t)
	prover, err := logins.New(logins.Config{Providers: []logins.Provider{
		{Name: google, Issuer: idp.URL, ClientIDs: []string{idptest.ClientID}},
		{Name: users, Issuer: idp.URL, ClientIDs: []string{idptest.ClientID}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.InMemory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	builtin, err := sts.NewBuiltin(sts.BuiltinConfig{Keys: [][]byte{[]byte(strings.Repeat("k", 32))}, AccountID: account})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.New(t.Context(), embedded.Config{Store: s, Prover: prover, STS: builtin, AccountID: account})
	if err != nil {
		t.Fatal(err)
	}
	arn := func(name string) []string { return []string{"arn:aws:iam::" + account + ":oidc-provider/" + name} }
	social := map[string]string{google: idptest.ClientID}
	userPools := []rules.UserPool{{Provider: users, ClientID: idptest.ClientID, ServerSideTokenCheck: aws.Bool(true)}}
	r := &rig{Engine: engine, t: t}
	for n, f := range []struct {
		pool     rules.Pool
		provider string
		granted  bool
	}{
		{rules.Pool{PublicProviders: social}, google, false},
		{rules.Pool{UserPools: userPools}, users, false},
		{rules.Pool{PublicProviders: social, OIDCProviderARNs: arn(users)}, google, false},
		{rules.Pool{OIDCProviderARNs: arn(google)}, google, true},
		{rules.Pool{OIDCProviderARNs: arn(google + "/")}, google, true},
		{rules.Pool{OIDCProviderARNs: arn(google), PublicProviders: social}, google, true},
		{rules.Pool{OIDCProviderARNs: arn(users)}, users, true},
	} {
		f.pool.ID = open[:len(open)-2] + "a" + string(rune('0'+n))
		if err := engine.ApplyPools(t.Context(), []rules.Pool{f.pool}); err != nil {
			t.Fatal(err)
		}
		login := map[string]string{f.provider: idp.Token(nil)}
		got := r.id(f.pool.ID, login)
		if granted := !strings.Contains(got, "Exception"); granted != f.granted {
			t.Errorf("case %d, %s: got %s, want granted %v", n, f.provider, got, f.granted)
		}
		x, err := engine.Explain(t.Context(), cognito.Question{Pool: f.pool.ID, Logins: login})
		if err != nil {
			t.Fatal(err)
		}
		if last := x.Steps[len(x.Steps)-1]; !f.granted && !strings.Contains(last.Detail, "and the pool lists it as another") {
			t.Errorf("case %d, %s: explained as %q", n, f.provider, last.Detail)
		}
	}
}
