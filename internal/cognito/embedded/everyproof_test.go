package embedded_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/devidp"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/saml"
	"github.com/cognito-broker/broker/internal/saml/samltest"
)

const plainKey = "idp.example"

// everyKind makes logins of every kind, which their own verifiers prove.
type everyKind struct {
	*kindsRig
	keys   *devidp.Key
	graph  *idptest.Graph
	amazon *idptest.Amazon
	office *samltest.IDP
	names  []string
}

func newEveryKind(t *testing.T) *everyKind {
	t.Helper()
	keys, err := devidp.LoadOrCreateKey("")
	if err != nil {
		t.Fatal(err)
	}
	k := &everyKind{keys: keys, graph: idptest.NewGraph(), amazon: idptest.NewAmazon(), office: samltest.New(t), names: []string{
		plainKey, usersKey, newerUsersKey, googleKey, appleKey, facebookKey, amazonKey, samlARN,
	}}
	set := func(context.Context) ([]byte, error) { return keys.JWKS(), nil }
	prover, err := logins.New(logins.Config{
		Transport: idptest.InProcess{facebookKey: k.graph, "api.amazon.com": k.amazon},
		Providers: []logins.Provider{
			{Name: plainKey, Issuer: "https://" + plainKey, ClientIDs: []string{"app"}, Keys: set},
			{Name: usersKey, Kind: loginkey.UserPool, Issuer: "https://" + usersKey, Keys: set},
			{Name: googleKey, Kind: loginkey.Google, Keys: set}, {Name: appleKey, Kind: loginkey.Apple, Keys: set},
			{Name: facebookKey, Kind: loginkey.Facebook, NoLimitedLogin: true}, {Name: amazonKey, Kind: loginkey.Amazon},
			{Name: samlARN, Kind: loginkey.SAML, SAML: &saml.Config{Metadata: k.office.Metadata}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	k.kindsRig = newKindsRigWith(t, func(c *embedded.Config) {
		c.Prover = prover
		c.Providers[plainKey] = embedded.Provider{Kind: loginkey.OIDC, ClientIDs: []string{"app"}}
	})
	k.pool.PublicProviders[facebookKey] = idptest.AppID
	k.pool.OIDCProviderARNs = []string{"arn:aws:iam::" + account + ":oidc-provider/" + plainKey}
	if err := k.ApplyPools(t.Context(), []rules.Pool{k.pool}); err != nil {
		t.Fatal(err)
	}
	return k
}

// login is a token of a provider for a user, made for whom the pool lists or for somebody else.
func (k *everyKind) login(t *rapid.T, provider, user string, listed bool) string {
	pick := func(good, bad string) string {
		if listed {
			return good
		}
		return bad
	}
	switch provider {
	case facebookKey:
		return k.graph.Token(idptest.GraphToken{App: pick(idptest.AppID, "1"), User: user})
	case amazonKey:
		return k.amazon.Token(idptest.AmazonToken{
			App: "amzn." + pick("app", "other"), Client: pick("app", "other"), User: user, Left: 3600,
		})
	case samlARN:
		return k.office.Respond(k.t, samltest.Login{User: user, Audience: pick(samltest.SignIn, "https://other.example")})
	}
	issuer := "https://" + loginkey.Normal(provider)
	token, err := k.keys.Mint(devidp.TokenRequest{
		Issuer: issuer, User: user, Audience: pick("app", "other"), TTL: time.Hour, Now: time.Now(),
		Claims: map[string]any{"token_use": "id"},
	})
	must(t, err)
	return token
}

// proofs are who has proved what: logins that one call proved together are one person's.
type proofs struct {
	person map[string]string // by login, somebody it is one with
	owner  map[string]string // a login of an identity
}

func (p *proofs) of(login string) string {
	for other, ok := p.person[login]; ok && other != login; other, ok = p.person[login] {
		login = other
	}
	return login
}

// granted notes that logins had an identity. It reports whether one of them was its owner's before.
func (p *proofs) granted(id string, asked []string) bool {
	first, known := p.owner[id]
	ours := !known
	for _, l := range asked {
		ours = ours || p.of(l) == p.of(first)
	}
	for _, l := range asked {
		p.person[p.of(l)] = p.of(asked[0])
	}
	p.owner[id] = asked[0]
	return ours
}

// Nobody receives what he did not prove: over logins of all kinds, alone and together in one identity, an identity
// is answered to no call that does not prove a login of it, and a call with one login for somebody else, or under
// another provider's key, gets nothing.
func TestNobodyReceivesWhatHeDidNotProveOfAnyKind(t *testing.T) {
	k := newEveryKind(t)
	round := 1000
	rapid.Check(t, func(t *rapid.T) {
		round += 10
		p := proofs{map[string]string{}, map[string]string{}}
		var ids []string
		for range rapid.IntRange(1, 8).Draw(t, "calls") {
			tokens, asked, good := k.draw(t, round)
			id, err := k.call(t, tokens, ids)
			switch {
			case !good && err == nil:
				t.Fatalf("%v: got %s by a login that proves nothing here", asked, id)
			case good && err != nil && len(asked) == 1 && len(ids) == 0:
				t.Fatalf("%v: %v", asked, err)
			case err == nil && !p.granted(id, asked):
				t.Fatalf("%v: got %s, of which none of them is a login", asked, id)
			case err == nil:
				ids = append(ids, id)
			}
		}
	})
}

// draw makes up a call's logins; good is false if one of them proves nothing.
func (k *everyKind) draw(t *rapid.T, round int) (tokens map[string]string, asked []string, good bool) {
	tokens, good = map[string]string{}, true
	names := rapid.SliceOfNDistinct(rapid.SampledFrom(k.names), 1, 3, loginkey.Normal).Draw(t, "providers")
	for _, name := range names {
		user := fmt.Sprint(round + rapid.IntRange(0, 1).Draw(t, "user")) // the same texts at all of them
		listed, from := rapid.IntRange(0, 4).Draw(t, "listed") > 0, name
		if rapid.IntRange(0, 9).Draw(t, "another provider's") == 9 {
			from = rapid.SampledFrom(k.names).Draw(t, "whose")
		}
		good = good && listed && loginkey.Normal(from) == loginkey.Normal(name)
		tokens[name] = k.login(t, from, user, listed)
		asked = append(asked, loginkey.Normal(name)+" "+user)
	}
	return tokens, asked, good
}

// call asks for the identity of logins, or for credentials of one that was met.
func (k *everyKind) call(t *rapid.T, tokens map[string]string, ids []string) (id string, err error) {
	pool := everyone
	if len(ids) == 0 || rapid.Bool().Draw(t, "GetId") {
		out, err := k.GetId(context.Background(), &cognitoidentity.GetIdInput{IdentityPoolId: &pool, Logins: tokens})
		if err != nil {
			return "", err
		}
		return *out.IdentityId, nil
	}
	named := rapid.SampledFrom(ids).Draw(t, "identity")
	out, err := k.GetCredentialsForIdentity(context.Background(), &cognitoidentity.GetCredentialsForIdentityInput{
		IdentityId: &named, Logins: tokens,
	})
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA") {
		t.Fatal("got no credentials")
	}
	return *out.IdentityId, nil
}
