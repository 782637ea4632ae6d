package transfer_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/cognito/embedded/transfer"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
)

// trusting takes any token for the name of a user.
type trusting struct{}

func (trusting) Known(string) bool         { return true }
func (trusting) Peek(string, string) error { return nil }
func (trusting) Prove(_ context.Context, provider, token string) (*logins.Proof, error) {
	return &logins.Proof{Provider: provider, Subject: token, ClientID: "app", Audience: []string{"app"}}, nil
}

// admin is an administrator, a backend and an app who call at random; refusals are
// part of it.
type admin struct {
	*embedded.Engine
	*rapid.T
	ctx   context.Context
	pool  string
	ids   []string
	taken int // calls that were not refused
}

// kinds has the logins of all kinds proved as their own.
var kinds = map[string]embedded.Provider{
	"accounts.google.com": {Kind: loginkey.Google, ClientIDs: []string{"app"}}, "graph.facebook.com": {Kind: loginkey.Facebook},
	userPool: {Kind: loginkey.UserPool}, saml[0]: {Kind: loginkey.SAML},
}

const userPool = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc"

var (
	oidc = []string{"arn:aws:iam::" + account + ":oidc-provider/idp.example",
		"arn:aws:iam::" + account + ":oidc-provider/graph.facebook.com"}
	saml = []string{"arn:aws:iam::" + account + ":saml-provider/office"}
	// settings are names under which something may be said of a provider.
	settings = append([]string{userPool, "issuer-" + userPool, userPool + ":app", "issuer-" + userPool + ":web", "graph.facebook.com", "accounts.google.com"},
		append(oidc, saml...)...)
	users = []string{"alice", "bob", "\u0000\u2028<", strings.Repeat("𐍈", 1024)}
)

func (a *admin) some(of ...string) []string {
	all := rapid.Permutation(of).Draw(a.T, "order")
	return all[:rapid.IntRange(0, len(all)).Draw(a.T, "count")]
}

func (a *admin) one(of ...string) string { return rapid.SampledFrom(of).Draw(a.T, "one") }

func (a *admin) done(err error) {
	if err == nil {
		a.taken++
	}
}

func (a *admin) logins() map[string]string {
	out := map[string]string{}
	for _, provider := range a.some("idp.example", "graph.facebook.com", "accounts.google.com", "issuer-"+userPool, saml[0]) {
		out[provider] = a.one(users...)
	}
	return out
}

func (a *admin) tags() map[string]string {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "B", "größe"}), rapid.SampledFrom([]string{"c", "c:d", "𐍈"}), 0,
		3).Draw(a.T, "tags")
}

func (a *admin) public() map[string]string {
	out := map[string]string{}
	for _, domain := range a.some("graph.facebook.com", "accounts.google.com") {
		out[domain] = "app"
	}
	return out
}

func (a *admin) userPools() []types.CognitoIdentityProvider {
	var out []types.CognitoIdentityProvider
	for _, client := range a.some("app", "web") {
		out = append(out, types.CognitoIdentityProvider{ProviderName: aws.String(a.one(userPool, "issuer-"+userPool)), ClientId: &client,
			ServerSideTokenCheck: aws.Bool(client == "app")})
	}
	return out
}

func (a *admin) update() {
	in := &cognitoidentity.UpdateIdentityPoolInput{
		IdentityPoolId: &a.pool, IdentityPoolName: aws.String(a.one("one", "two")),
		AllowUnauthenticatedIdentities: rapid.Bool().Draw(a.T, "guests"), IdentityPoolTags: a.tags(),
		OpenIdConnectProviderARNs: a.some(oidc...), SamlProviderARNs: a.some(saml...), SupportedLoginProviders: a.public(),
		CognitoIdentityProviders: a.userPools(),
	}
	if rapid.Bool().Draw(a.T, "developer") {
		in.DeveloperProviderName = aws.String(a.one("login.example", "idp.example"))
	}
	_, err := a.UpdateIdentityPool(a.ctx, in)
	a.done(err)
}

func (a *admin) setRoles() {
	role := aws.String("arn:aws:iam::" + account + ":role/a:b/" + a.one("x", "y"))
	in := &cognitoidentity.SetIdentityPoolRolesInput{IdentityPoolId: &a.pool,
		Roles: map[string]string{"authenticated": *role}, RoleMappings: map[string]types.RoleMapping{}}
	for _, key := range a.some(settings...) {
		in.RoleMappings[key] = types.RoleMapping{
			Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny,
			RulesConfiguration: &types.RulesConfigurationType{Rules: []types.MappingRule{
				{Claim: aws.String("c"), MatchType: types.MappingRuleMatchTypeContains,
					Value: aws.String(a.one("<v>", "\u2028", "\n")), RoleARN: role},
			}},
		}
	}
	_, err := a.SetIdentityPoolRoles(a.ctx, in)
	a.done(err)
}

func (a *admin) setTagMap() {
	_, err := a.SetPrincipalTagAttributeMap(a.ctx, &cognitoidentity.SetPrincipalTagAttributeMapInput{
		IdentityPoolId: &a.pool, IdentityProviderName: aws.String(a.one(settings...)), PrincipalTags: a.tags(),
		UseDefaults: aws.Bool(rapid.Bool().Draw(a.T, "defaults")),
	})
	a.done(err)
}

func (a *admin) signIn() {
	out, err := a.GetId(a.ctx, &cognitoidentity.GetIdInput{IdentityPoolId: &a.pool, Logins: a.logins()})
	if a.done(err); err == nil {
		a.ids = append(a.ids, *out.IdentityId)
	}
}

func (a *admin) developer() {
	all := a.logins()
	all["login.example"] = a.one(users...)
	_, err := a.GetOpenIdTokenForDeveloperIdentity(a.ctx,
		&cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &a.pool, Logins: all})
	a.done(err)
}

func (a *admin) merge() {
	_, err := a.MergeDeveloperIdentities(a.ctx, &cognitoidentity.MergeDeveloperIdentitiesInput{
		IdentityPoolId: &a.pool, DeveloperProviderName: aws.String("login.example"),
		SourceUserIdentifier: aws.String(a.one(users...)), DestinationUserIdentifier: aws.String(a.one(users...)),
	})
	a.done(err)
}

func (a *admin) unlink() {
	if len(a.ids) == 0 {
		return
	}
	all := a.logins()
	in := &cognitoidentity.UnlinkIdentityInput{IdentityId: aws.String(a.one(a.ids...)), Logins: all}
	for provider := range all {
		in.LoginsToRemove = append(in.LoginsToRemove, provider)
	}
	_, err := a.UnlinkIdentity(a.ctx, in)
	a.done(err)
}

// Whatever the API made of a pool and its users, an export brings it to another
// store whole: also what is left of providers that the pool lists no more.
func (a *admin) signOut() {
	a.done(a.SignOut(a.ctx, cognito.SignOut{
		Pool: a.pool, Provider: a.one("idp.example", "accounts.google.com", "issuer-"+userPool), Subject: a.one(users...),
		NotBefore: time.UnixMilli(rapid.Int64Range(0, 1_700_000_000_000).Draw(a.T, "notBefore")),
	}))
}

func TestWhatTheAPIMakesIsTransferred(t *testing.T) {
	from := open(t)
	keys, err := issuer.New(t.Context(), issuer.Config{Issuer: "http://127.0.0.1", PublicURL: "http://127.0.0.1",
		Region: "us-east-1", Keys: from, Rotation: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.New(t.Context(),
		embedded.Config{Store: from, Prover: trusting{}, Providers: kinds, Issuer: keys, AccountID: account, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	rapid.Check(t, func(rt *rapid.T) {
		made, err := engine.CreateIdentityPool(t.Context(), &cognitoidentity.CreateIdentityPoolInput{
			IdentityPoolName: aws.String("made"), DeveloperProviderName: aws.String("login.example"),
			AllowUnauthenticatedIdentities: true,
			OpenIdConnectProviderARNs:      oidc, SupportedLoginProviders: map[string]string{"accounts.google.com": "app"},
		})
		if err != nil {
			rt.Fatal(err)
		}
		a := &admin{Engine: engine, T: rt, ctx: t.Context(), pool: *made.IdentityPoolId}
		defer engine.DeleteIdentityPool(t.Context(),
			&cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: made.IdentityPoolId})
		for range rapid.IntRange(1, 12).Draw(rt, "calls") {
			rapid.SampledFrom([]func(){a.update, a.setRoles, a.setTagMap, a.signIn, a.developer, a.merge, a.unlink, a.signOut}).Draw(rt,
				"call")()
		}
		taken += a.taken
		sameElsewhere(t.Context(), rt, from)
	})
	if !testing.Short() && taken < 100 {
		t.Errorf("got %d calls that were not refused, want more", taken)
	}
}

// sameElsewhere brings a store's export to an empty one, twice, and exports again.
func sameElsewhere(ctx context.Context, t *rapid.T, from *store.Store) {
	to, err := store.Open(ctx, store.InMemory)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	var first, second bytes.Buffer
	if _, err := transfer.Export(ctx, from, &first); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := transfer.Import(ctx, to, strings.NewReader(first.String()), account, time.Now()); err != nil {
			t.Fatalf("import: got %v of an export:\n%s", err, &first)
		}
	}
	if _, err := transfer.Export(ctx, to, &second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.String(), second.String()); diff != "" {
		t.Fatalf("exported again (-first +second):\n%s", diff)
	}
	if findings, err := to.Check(ctx); err != nil || len(findings) > 0 {
		t.Fatalf("the store's invariants: got %v %v", findings, err)
	}
}
