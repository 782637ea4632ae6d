package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/cognito-broker/broker/internal/cognito/contract"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/sts"
)

// Pools that the contract prepares.
const (
	contractOpen   = "us-east-1:00000000-0000-4000-8000-00000000c001"
	contractClosed = "us-east-1:00000000-0000-4000-8000-00000000c002"
	contractBare   = "us-east-1:00000000-0000-4000-8000-00000000c003"
)

// The contract of a cognito.API, through the SDK: a broker on the engine, and a
// broker in aws mode before it, which proves the logins itself or leaves that to
// the one behind.
func TestContract(t *testing.T) {
	t.Parallel()
	idps, down := [2]*idptest.Issuer{idptest.Start(t), idptest.Start(t)}, idptest.Start(t)
	down.Break(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	issuers := []string{idps[0].URL, idps[1].URL}
	trusted := slices.Concat(issuers, []string{down.URL})
	engine := startBroker(t, trusted, contractPools(issuers)+refusedUnlimited)
	limited := prepare(t, trusted, contractPools(issuers)+refusedUnlimited)
	limited.startLimited(t, config.Operations())
	for _, c := range []struct {
		name  string
		front func(engine *instance) *instance
	}{
		{"engine", func(engine *instance) *instance { return engine }},
		{"aws", func(engine *instance) *instance {
			return startUpstream(t, engine, engine.url, refusedUnlimited, trusted...)
		}},
		{"aws without providers", func(engine *instance) *instance { return startUpstream(t, engine, engine.url, refusedUnlimited) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := startBroker(t, trusted, contractPools(issuers)+refusedUnlimited)
			lose(t, broken) // one for each: what it was asked to change counts for its pool
			env := contractEnv(t, c.front(engine), engine, idps)
			env.Limited, env.Broken, env.Down = c.front(limited).sdkAs(admin()), c.front(broken).sdkAs(admin()), down
			contract.Run(t, env)
		})
	}
}

// lose takes its store from a running broker.
func lose(t *testing.T, b *instance) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+b.store+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range []string{"logins", "identities", "pools"} {
		if _, err := db.Exec("DROP TABLE " + table); err != nil {
			t.Fatal(err)
		}
	}
}

// contractPools continues the list of pools that prepare begins.
func contractPools(issuers []string) string {
	const role = "arn:aws:iam::000000000000:role/"
	shared := "open_id_connect_provider_arns: [" + arnsYAML(issuers) + "]"
	handed := ", developer_provider_name: " + contract.DeveloperProvider +
		", roles: {authenticated: '" + role + contract.Authenticated + "', unauthenticated: '" + role + contract.Unauthenticated + "'}"
	return "  - {id: '" + contractOpen + "', name: open, allow_unauthenticated_identities: true, " + shared + handed + "}\n" +
		"  - {id: '" + contractClosed + "', name: closed, allow_classic_flow: false, " + shared + handed + "}\n" +
		"  - {id: '" + contractBare + "', name: bare, allow_unauthenticated_identities: true, " + shared + "}\n"
}

// contractEnv is a broker as the administrator's SDK sees it. The engine behind
// vouches for tokens and sessions.
func contractEnv(t *testing.T, b, engine *instance, idps [2]*idptest.Issuer) contract.Env {
	t.Helper()
	remote, err := sts.NewRemote(sts.RemoteConfig{Region: "us-east-1", Endpoint: b.url, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	provider, err := oidc.NewProvider(t.Context(), engine.url)
	if err != nil {
		t.Fatal(err)
	}
	verifier := provider.Verifier(&oidc.Config{SkipClientIDCheck: true}) // the suite compares the audience
	return contract.Env{
		API: b.sdkAs(admin()), STS: remote,
		Pools:     contract.Pools{Open: contractOpen, Closed: contractClosed, Bare: contractBare},
		Providers: idps, Account: "000000000000", Region: "us-east-1", Issuer: engine.url,
		VerifyToken: func(ctx context.Context, token string) (claims map[string]any, err error) {
			verified, err := verifier.Verify(ctx, token)
			if err != nil {
				return nil, errors.New("the verifier refuses the token") // its own error may quote it
			}
			return claims, verified.Claims(&claims)
		},
		WhoAmI: func(ctx context.Context, accessKey, secret, session string) (string, error) {
			who, err := engine.whoAmI(ctx, accessKey, secret, session)
			if err != nil {
				return "", err
			}
			return *who.Arn, nil
		},
	}
}
