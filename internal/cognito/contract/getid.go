package contract

import (
	"crypto/rand"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// getID tests docs/cognito.md#getid: whose identity a call brings.
func getID(s *scene) {
	alice, open := s.someone(), s.Pools.Open
	id := s.identity(open, s.login(alice))
	if !regexp.MustCompile(`^` + regexp.QuoteMeta(s.Region) +
		`:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(id) {
		s.Errorf("got %q, want an id of the service's form", id)
	}
	s.equal("the same login", s.id(open, s.login(alice)), id)
	distinct := map[string]string{id: "a user"}
	for what, other := range map[string]string{
		"another user":               s.identity(open, s.login(s.someone())),
		"the name at another issuer": s.identity(open, s.loginAt(1, alice)),
		"the user at another pool":   s.identity(s.Pools.Closed, s.login(alice)),
		"a guest":                    s.guest(),
		"a second guest":             s.guest(),
		"a guest by no logins":       s.identity(open, map[string]string{}),
	} {
		if known, taken := distinct[other]; taken {
			s.Errorf("%s: got the identity of %s", what, known)
		}
		distinct[other] = what
	}
	s.equal("no guests", s.id(s.Pools.Closed, nil), noGuests)
	s.equal("no guests, no logins", s.id(s.Pools.Closed, map[string]string{}), noGuests)
	s.identity(s.Pools.Bare, s.login(alice)) // no role is needed
	s.identity(s.Pools.Bare, nil)
	s.equal("the pool's account", accounted(s, s.Account), "")
	s.equal("another account", accounted(s, "9"), noPool(open))
}

// severalLogins tests docs/cognito.md#getid for more logins than one.
func severalLogins(s *scene) {
	alice, bob, open := s.someone(), s.someone(), s.Pools.Open
	id := s.identity(open, s.both(alice, alice))
	s.equal("all new: the first", s.id(open, s.login(alice)), id)
	s.equal("all new: the second", s.id(open, s.loginAt(1, alice)), id)
	id = s.identity(open, s.login(bob))
	s.equal("one known", s.id(open, s.both(bob, bob)), id)
	s.equal("the other, linked beside it", s.id(open, s.loginAt(1, bob)), id)
	s.equal("of two, with users of one provider", s.id(open, s.both(alice, bob)), merge)
	s.equal("a second login of a provider", s.id(open, s.both(s.someone(), bob)), merge)
	s.equal("and still", s.id(open, s.loginAt(1, bob)), id)
	dave := s.someone()
	first, second := s.identity(open, s.login(dave)), s.identity(open, s.loginAt(1, dave))
	elder := elder(s, first, second)
	s.equal("of two identities: the elder", s.id(open, s.both(dave, dave)), elder)
	s.equal("from then on", s.id(open, s.loginAt(1, dave))+" "+s.id(open, s.login(dave)), elder+" "+elder)
	carol := s.someone()
	s.equal("one good, one bad", s.id(open, with(s.login(carol), map[string]string{s.Providers[1].Name(): "x"})),
		malformed)
	s.equal("a call that failed links nothing", s.linked(s.identity(open, s.login(carol))), "["+s.Providers[0].Name()+"]")
}

// loginTokens tests docs/cognito.md#login-tokens: what is wrong with a token, and what is
// not.
func loginTokens(s *scene) {
	i, now := s.Providers[0], time.Now()
	token := func(c idptest.Claims) string { return i.Token(c) }
	ago := func(d time.Duration) int64 { return now.Add(-d).Unix() }
	hmac := []byte(rand.Text() + rand.Text() + rand.Text())
	for _, c := range []struct{ what, token, want string }{
		{"no token", "opaque", malformed},
		{"empty parts", "..", malformed},
		{"another's issuer", s.Providers[1].Token(nil), wrongIssuer},
		{"an issuer with a path", token(idptest.Claims{"iss": i.URL + "/"}), wrongIssuer},
		{"no issuer", token(idptest.Claims{"iss": nil}), wrongIssuer},
		{"another's key", i.Sign(nil, jose.RS256, idptest.Key(2), "k0"), unverified},
		{"a key nobody has", i.Sign(nil, jose.RS256, idptest.Key(2), "k9"), unverified},
		{"a shared secret", i.Sign(nil, jose.HS256, hmac, "k0"), unverified},
		{"an altered signature", altered(token(nil)), unverified},
		{"spliced", spliced(token(idptest.Claims{"sub": "a"}), token(idptest.Claims{"sub": "b"})), unverified},
		{"no audience", token(idptest.Claims{"aud": nil}), noAudience},
		{"another client", token(idptest.Claims{"aud": "other"}), audience},
		{"another party, our audience", token(idptest.Claims{"azp": "other"}), audience},
		{"our party, another audience", token(idptest.Claims{"azp": idptest.ClientID, "aud": "other"}), ""},
		{"one audience of two", token(idptest.Claims{"aud": []string{"other", idptest.ClientID}}), ""},
		{"expired within the grace", token(idptest.Claims{"exp": ago(4 * time.Minute), "iat": ago(time.Hour)}), ""},
	} {
		s.equal(c.what, refusalOf(s.id(s.Pools.Open, map[string]string{i.Name(): c.token})), c.want)
	}
	expired := ago(6 * time.Minute)
	got := s.id(s.Pools.Open, s.tokenAt(0, idptest.Claims{"exp": expired, "iat": ago(time.Hour)}))
	if !regexp.MustCompile(`^NotAuthorizedException: Invalid login token\. Token expired: \d+ >= ` +
		strconv.FormatInt(expired, 10) + `$`).MatchString(got) {
		s.Errorf("expired: got %q, want now and the expiry", got)
	}
}

// foreignProviders tests row 13 of docs/cognito.md#entering-an-identity, and what #getid,
// #flows and #login-keys say of keys in Logins.
func foreignProviders(s *scene) {
	i, other := s.Providers[0], s.Providers[1]
	lonely := s.pool(func(in *createInput) { in.OpenIdConnectProviderARNs = nil })
	single := s.pool(func(in *createInput) { in.OpenIdConnectProviderARNs = in.OpenIdConnectProviderARNs[:1] })
	guest := s.guest()
	token := s.token(guest, nil)
	for _, c := range []struct {
		what, pool string
		logins     map[string]string
		want       string
	}{
		{"a pool without providers", lonely, s.login(s.someone()), mismatch},
		{"a provider that is not listed", single, s.loginAt(1, s.someone()), unsupported},
		{"one that is, one that is not", single, s.both(s.someone(), s.someone()), unsupported},
		{"a key with a scheme", s.Pools.Open, map[string]string{i.URL: i.Token(nil)}, wrongIssuer},
		{"another's key", s.Pools.Open, map[string]string{other.Name(): i.Token(nil)}, wrongIssuer},
		{"a public domain", s.Pools.Open, map[string]string{"graph.facebook.com": "opaque"}, unsupported},
		{"our own token", s.Pools.Open, pass(token), cognitoToken},
		{"our own token under a provider", s.Pools.Open, map[string]string{i.Name(): token}, cognitoToken},
		{"our own token under the developer's name", s.Pools.Open, user(token), cognitoToken},
		{"an unknown pool", s.unknown(), s.login(s.someone()), noPool(s.unknown())},
	} {
		s.equal(c.what, refusalOf(s.id(c.pool, c.logins)), c.want)
	}
	s.refused("a backend's user", s.id(s.Pools.Open, user(s.someone())), notAuthorized)
	s.equal("a provider that comes later", addedProvider(s, single), "")
}

// addedProvider has a pool list both providers and calls with the second.
func addedProvider(s *scene, pool string) string {
	s.Helper()
	s.must("UpdateIdentityPool", updated(s, &updateInput{
		IdentityPoolId: &pool, IdentityPoolName: aws.String("contract"), AllowUnauthenticatedIdentities: true,
		OpenIdConnectProviderARNs: []string{s.providerARN(0), s.providerARN(1)},
	}))
	return refusalOf(s.id(pool, s.loginAt(1, s.someone())))
}

func accounted(s *scene, account string) string {
	s.Helper()
	_, refusal := ask(s, s.API.GetId, &cognitoidentity.GetIdInput{IdentityPoolId: &s.Pools.Open, AccountId: &account})
	return refusal
}
