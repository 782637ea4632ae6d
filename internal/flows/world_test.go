package flows_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/devidp"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
)

const (
	account    = "000000000000"
	developers = "login.example"
	users      = 2
)

// providers each know all users; a user has a login of each, and one of the
// developer provider.
var providers = []string{"idp.example", "idp2.example"}

// world is a whole broker below HTTP: the real engine, prover, issuer and STS.
type world struct {
	flows  *flows.Service
	engine *embedded.Engine
	sts    *sts.Builtin
	pools  []string
	tokens map[string][]string // of each user, by provider

	clock    atomic.Int64
	obtained sync.Map // when the exchange for a session began, by access key
	history
}

// The keys of all worlds: to make them takes longer than a world.
var (
	issuerKey = sync.OnceValues(func() (*devidp.Key, error) { return devidp.LoadOrCreateKey("") })
	ownIssuer = sync.OnceValues(func() (*issuer.Issuer, error) {
		kept, err := store.Open(context.Background(), store.InMemory)
		if err != nil {
			return nil, err
		}
		return issuer.New(context.Background(), issuer.Config{
			Issuer: "https://broker.example", PublicURL: "https://broker.example", Region: "us-east-1", Keys: kept,
			Rotation: time.Hour,
		})
	})
)

func newWorld(t *rapid.T) *world {
	ctx := context.Background()
	w := &world{tokens: map[string][]string{}, history: newHistory()}
	prover := w.newProver(t)
	own, err := ownIssuer()
	must(t, err)
	kept, err := store.Open(ctx, store.InMemory)
	must(t, err)
	w.sts, err = sts.NewBuiltin(
		sts.BuiltinConfig{Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}, AccountID: account},
	)
	must(t, err)
	clocked := &clocked{Builtin: w.sts, world: w}
	w.engine, err = embedded.New(ctx, embedded.Config{
		Store: kept, Prover: prover, Issuer: own, STS: clocked, AccountID: account, Region: "us-east-1",
	})
	must(t, err)
	for n := range 2 {
		id := fmt.Sprintf("us-east-1:00000000-0000-4000-8000-%012d", n)
		w.pools = append(w.pools, id)
		p := rules.Pool{ID: id, AllowGuests: true, DeveloperProvider: developers, Roles: rules.Roles{
			Authenticated: roleOf("authenticated", 0), Unauthenticated: roleOf("unauthenticated", 0),
		}}
		for _, provider := range providers {
			p.OIDCProviderARNs = append(p.OIDCProviderARNs, "arn:aws:iam::"+account+":oidc-provider/"+provider)
		}
		must(t, w.engine.ApplyPools(ctx, []rules.Pool{p}))
	}
	memory, err := cache.NewMemory(1000, nil)
	must(t, err)
	t.Cleanup(func() { memory.Close(); kept.Close() })
	w.flows = flows.New(flows.Config{
		Next: &watched{API: w.engine, world: w}, STS: sts.NewLocal(sts.LocalConfig{STS: clocked, Trust: trusting{w.engine}}),
		Prover: prover, Tokens: w.engine, Directory: w.engine, Memory: memory, Epochs: cache.NewEpochs(),
		Names: cache.NewNamer(nil), Observer: noObserver{}, Timeout: 10 * time.Second,
	})
	return w
}

func (w *world) newProver(t *rapid.T) *logins.Prover {
	key, err := issuerKey()
	must(t, err)
	var config logins.Config
	for _, provider := range providers {
		for n := range users {
			token, err := key.Mint(
				devidp.TokenRequest{
					Issuer: "http://" + provider, User: fmt.Sprint("user", n), Audience: "app", TTL: time.Hour, Now: time.Now(),
				},
			)
			must(t, err)
			w.tokens[provider] = append(w.tokens[provider], token)
		}
		config.Providers = append(config.Providers, logins.Provider{
			Name: provider, Issuer: "http://" + provider, ClientIDs: []string{"app"},
			Keys: func(context.Context) ([]byte, error) { return key.JWKS(), nil },
		})
	}
	prover, err := logins.New(config)
	must(t, err)
	return prover
}

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// roleOf is a pool's role in its nth settings.
func roleOf(state string, version int) string {
	return fmt.Sprintf("arn:aws:iam::%s:role/%s-%d", account, state, version)
}

// chosen are roles that trust the users of all pools: the classic flow's.
var chosen = []string{"arn:aws:iam::" + account + ":role/chosen-0", "arn:aws:iam::" + account + ":role/chosen-1"}

// trusting is the engine's trust with that of the chosen roles.
type trusting struct{ *embedded.Engine }

func (e trusting) MayAssume(ctx context.Context, r sts.AssumeRequest) error {
	if user, ok := rules.AMRState(r.Identity.AMR); user && ok && strings.Contains(r.RoleARN, ":role/chosen-") {
		return nil
	}
	return e.Engine.MayAssume(ctx, r)
}

// clocked notes when the exchange for each session began.
type clocked struct {
	*sts.Builtin
	world *world
}

func (c *clocked) Assume(ctx context.Context, r sts.AssumeRequest) (sts.Credentials, error) {
	at := c.world.clock.Add(1)
	got, err := c.Builtin.Assume(ctx, r)
	c.world.obtained.Store(got.AccessKeyID, at)
	return got, err
}

// watched is the engine; it tells when an unlinking has happened.
type watched struct {
	cognito.API
	world *world
}

type happened struct{}

func (w *watched) UnlinkIdentity(
	ctx context.Context, in *ci.UnlinkIdentityInput, opts ...func(*ci.Options),
) (*ci.UnlinkIdentityOutput, error) {
	out, err := w.API.UnlinkIdentity(ctx, in, opts...)
	w.note(ctx)
	return out, err
}

func (w *watched) UnlinkDeveloperIdentity(
	ctx context.Context, in *ci.UnlinkDeveloperIdentityInput, opts ...func(*ci.Options),
) (*ci.UnlinkDeveloperIdentityOutput, error) {
	out, err := w.API.UnlinkDeveloperIdentity(ctx, in, opts...)
	w.note(ctx)
	return out, err
}

func (w *watched) note(ctx context.Context) {
	if h, ok := ctx.Value(happened{}).(*int64); ok {
		*h = w.world.clock.Add(1)
	}
}

// fence ends what is cached for the scopes.
func (w *world) fence(scopes ...cache.Scope) {
	if err := w.flows.Fence(context.Background(), scopes...); err != nil {
		panic(err)
	}
}
