package embedded_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/devidp"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
)

// The users of the model, each at providers of several kinds and at the developer's.
var (
	subjects  = []string{"ann", "bob", "cid", "dee"}
	providers = []string{"idp.example", "accounts.google.com"}
)

const developer = "login.example"

// modelled is an engine and the model of it.
type modelled struct {
	engine *embedded.Engine
	caller model.Caller
	pools  []model.Pool
	world  model.World
	clock  time.Time
	store  *store.Store
	// identities and owner are those of the world, unless the test keeps none.
	identities func() []model.Identity
	owner      func(pool string, l model.Login) (id string, ok bool)
}

// now moves, so that identities have different dates and the eldest is known.
func (m *modelled) now() time.Time {
	m.clock = m.clock.Add(time.Millisecond)
	return m.clock
}

func newModelled(t *rapid.T, change ...func(*embedded.Config)) *modelled {
	ctx := context.Background()
	shared, err := modelKeys()
	must(t, err)
	m := &modelled{clock: time.Now(), pools: []model.Pool{
		{ID: open, Guests: true, Classic: true, Developer: developer}, {ID: closed, Developer: developer},
	}}
	kept, err := store.Open(ctx, store.InMemory)
	must(t, err)
	t.Cleanup(func() { kept.Close() })
	assumer, err := sts.NewBuiltin(sts.BuiltinConfig{Keys: [][]byte{[]byte(strings.Repeat("k", 32))}, AccountID: account})
	must(t, err)
	c := embedded.Config{
		Store: kept, Prover: shared.prover, Providers: kindsOf(providers), Issuer: shared.issuer, STS: assumer, AccountID: account, Region: "us-east-1",
		Now: m.now,
	}
	for _, f := range change {
		f(&c)
	}
	m.store = kept
	m.engine, err = embedded.New(ctx, c)
	must(t, err)
	m.identities = func() []model.Identity { return m.world.Identities() }
	m.owner = func(pool string, l model.Login) (string, bool) { return m.world.Owner(pool, l) }
	m.world = model.New(true, m.pools...)
	m.caller = model.Caller{API: m.engine, Token: shared.token, Developer: developer,
		Page: int32(rapid.IntRange(1, 5).Draw(t, "page"))}
	for _, p := range m.pools {
		pool := rules.Pool{ID: p.ID, AllowGuests: p.Guests, AllowClassic: &p.Classic, DeveloperProvider: developer,
			Roles: rules.Roles{
				Authenticated: "arn:aws:iam::" + account + ":role/a", Unauthenticated: "arn:aws:iam::" + account + ":role/u",
			}}
		for _, provider := range providers {
			if kind, own := loginkey.KindOf(provider); own {
				pool.PublicProviders = map[string]string{kind.Key(): "app"}
				continue
			}
			pool.OIDCProviderARNs = append(pool.OIDCProviderARNs, "arn:aws:iam::"+account+":oidc-provider/"+provider)
		}
		must(t, m.engine.ApplyPools(ctx, []rules.Pool{pool}))
	}
	return m
}

// kindsOf are the providers as the engine's pools take them.
func kindsOf(names []string) map[string]embedded.Provider {
	all := map[string]embedded.Provider{}
	for _, name := range names {
		kind, own := loginkey.KindOf(name)
		if !own {
			kind = loginkey.OIDC
		}
		all[name] = embedded.Provider{Kind: kind, ClientIDs: []string{"app"}}
	}
	return all
}

// keys are what takes long to make: the providers' and the engine's, and a token
// of each login.
type keys struct {
	prover *logins.Prover
	issuer *issuer.Issuer
	tokens map[model.Login]string
}

func (k *keys) token(l model.Login) string { return k.tokens[l] }

var modelKeys = sync.OnceValues(func() (*keys, error) {
	key, err := devidp.LoadOrCreateKey("")
	if err != nil {
		return nil, err
	}
	k := &keys{tokens: map[model.Login]string{}}
	var known []logins.Provider
	for _, p := range providers {
		kind, _ := loginkey.KindOf(p)
		known = append(known, logins.Provider{
			Name: p, Kind: kind, Issuer: "https://" + p, ClientIDs: []string{"app"},
			Keys: func(context.Context) ([]byte, error) { return key.JWKS(), nil },
		})
		for _, s := range subjects {
			k.tokens[model.Login{Provider: p, Subject: s}], err = key.Mint(devidp.TokenRequest{
				Issuer: "https://" + p, User: s, Audience: "app", TTL: 24 * time.Hour, Now: time.Now(),
			})
			if err != nil {
				return nil, err
			}
		}
	}
	if k.prover, err = logins.New(logins.Config{Providers: known}); err != nil {
		return nil, err
	}
	kept, err := store.Open(context.Background(), store.InMemory)
	if err != nil {
		return nil, err
	}
	k.issuer, err = issuer.New(context.Background(), issuer.Config{
		Issuer: "http://broker.example", PublicURL: "http://broker.example", Region: "us-east-1", Keys: kept,
		Rotation: 24 * time.Hour,
	})
	return k, err
})

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
