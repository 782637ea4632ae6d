package embedded_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/sts"
)

const (
	googleKey, appleKey    = "accounts.google.com", "appleid.apple.com"
	facebookKey, amazonKey = "graph.facebook.com", "www.amazon.com"
	usersKey               = "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"
	newerUsersKey          = "issuer-" + usersKey
	samlARN                = "arn:aws:iam::" + account + ":saml-provider/office"
	googleARN              = "arn:aws:iam::" + account + ":oidc-provider/" + googleKey
	roleAttribute          = "https://aws.amazon.com/SAML/Attributes/Role"
	everyone               = "us-east-1:00000000-0000-4000-8000-00000000000a"
)

// neighbours prove logins of every kind in the place of verifiers: by a real signature of one
// issuer, whatever the provider. What is late is refused with whom it is for, as theirs do.
type neighbours struct{ *logins.Prover }

func (n neighbours) Prove(ctx context.Context, name, token string) (*logins.Proof, error) {
	proof, err := n.Prover.Prove(ctx, name, token)
	if err != nil {
		return nil, err
	}
	of := *proof
	of.Audience = []string{of.ClientID}
	if of.Subject == "late" {
		return nil, &logins.Refused{Message: "late", Audience: of.Audience}
	}
	return &of, nil
}

// kindsRig is an engine with a provider of every kind, and a pool that takes them all.
type kindsRig struct {
	rig
	pool   rules.Pool
	prover neighbours
}

func newKindsRig(t *testing.T) *kindsRig { return newKindsRigWith(t, func(*embedded.Config) {}) }

func newKindsRigWith(t *testing.T, change func(*embedded.Config)) *kindsRig {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r := &kindsRig{rig: rig{t: t, idp: idptest.Start(t)}}
	kinds := map[string]embedded.Provider{
		googleKey: {Kind: loginkey.Google, ClientIDs: []string{"android", "web"}}, appleKey: {Kind: loginkey.Apple},
		facebookKey: {Kind: loginkey.Facebook}, amazonKey: {Kind: loginkey.Amazon}, usersKey: {Kind: loginkey.UserPool},
		samlARN: {Kind: loginkey.SAML},
	}
	var providers []logins.Provider
	for name := range kinds {
		providers = append(providers, logins.Provider{
			Name: name, Issuer: r.idp.URL, ClientIDs: []string{"android", "web", "app", "other"},
		})
	}
	prover, err := logins.New(logins.Config{Providers: providers})
	must(err)
	r.store, err = store.Open(t.Context(), store.InMemory)
	must(err)
	t.Cleanup(func() { r.store.Close() })
	keys, err := issuer.New(t.Context(), issuer.Config{Issuer: "http://127.0.0.1", PublicURL: "http://127.0.0.1",
		Region: "us-east-1", Keys: r.store, Rotation: 24 * time.Hour})
	must(err)
	r.sts, err = sts.NewBuiltin(sts.BuiltinConfig{Keys: [][]byte{[]byte(strings.Repeat("k", 32))}, AccountID: account})
	must(err)
	r.prover = neighbours{prover}
	config := embedded.Config{Store: r.store, Prover: r.prover, Providers: kinds, Issuer: keys, STS: r.sts,
		AccountID: account, Region: "us-east-1"}
	change(&config)
	r.Engine, err = embedded.New(t.Context(), config)
	must(err)
	r.pool = rules.Pool{
		ID: everyone, Name: "everyone", Roles: rules.Roles{Authenticated: "arn:aws:iam::" + account + ":role/auth"},
		PublicProviders:  map[string]string{googleKey: "app", appleKey: "app", facebookKey: "app", amazonKey: "app"},
		UserPools:        []rules.UserPool{{Provider: newerUsersKey, ClientID: "app"}, {Provider: usersKey, ClientID: "web"}},
		SAMLProviderARNs: []string{samlARN},
	}
	must(r.ApplyPools(t.Context(), []rules.Pool{r.pool}))
	return r
}

// of is a login of a provider, made for a client.
func (r *kindsRig) of(provider, user, client string) map[string]string {
	return map[string]string{provider: r.idp.Token(idptest.Claims{"sub": user, "aud": client})}
}

func (r *kindsRig) linked(id string) []string {
	out, err := r.DescribeIdentity(r.t.Context(), &cognitoidentity.DescribeIdentityInput{IdentityId: &id})
	if err != nil {
		return []string{spell(err)}
	}
	return out.Logins
}

// Who is taken, and who is refused in which words: by the clients that the pool lists.
func TestClientsOfEveryKind(t *testing.T) {
	const audience = "NotAuthorizedException: Invalid login token. Incorrect token audience."
	r := newKindsRig(t)
	check := func(what, provider, user, client, want string) {
		t.Helper()
		got := r.id(everyone, r.of(provider, user, client))
		if taken := !strings.Contains(got, "Exception"); taken != (want == "") || want != "" && got != want {
			t.Errorf("%s, %s for %s: got %q, want %q", what, provider, client, got, want)
		}
	}
	for _, provider := range []string{googleKey, appleKey, facebookKey, amazonKey, usersKey, newerUsersKey} {
		check("by app", provider, "alice", "app", "")
		check("by app", provider, "alice", "other", unsupported)
		check("late", provider, "late", "app", "NotAuthorizedException: late")
		check("late, by app", provider, "late", "other", unsupported) // whom it is for comes before its time
	}
	check("another app client", usersKey, "alice", "web", "")
	check("SAML", samlARN, "alice", "other", "")

	r.pool.OIDCProviderARNs = []string{googleARN}
	if err := r.ApplyPools(t.Context(), []rules.Pool{r.pool}); err != nil {
		t.Fatal(err)
	}
	for _, client := range []string{"android", "web"} {
		check("by ARN", googleKey, "alice", client, "")
	}
	for _, client := range []string{"app", "other"} { // the ARN wins over the app
		check("by ARN", googleKey, "alice", client, audience)
		check("late, by ARN", googleKey, "late", client, audience)
	}
	check("late, by ARN", googleKey, "late", "web", "NotAuthorizedException: late")
}

// Two forms of one login are one identity, and two users never are.
func TestOneLoginOneIdentity(t *testing.T) {
	r := newKindsRig(t)
	alice := r.id(everyone, r.of(usersKey, "alice", "app"))
	r.equal("the newer spelling", r.id(everyone, r.of(newerUsersKey, "alice", "web")), alice)
	r.equal("credentials", r.credentials(alice, r.of(newerUsersKey, "alice", "app")), alice+" as auth")
	if bob := r.id(everyone, r.of(newerUsersKey, "bob", "app")); bob == alice {
		t.Errorf("another user: got %s too", bob)
	}
	twice := r.of(usersKey, "alice", "app")
	maps.Copy(twice, r.of(newerUsersKey, "alice", "app"))
	r.equal("both spellings in one call", r.id(everyone, twice),
		"InvalidParameterException: Logins names a provider twice, in two spellings.")

	google := r.id(everyone, r.of(googleKey, "alice", "app"))
	r.pool.OIDCProviderARNs = []string{googleARN}
	if err := r.ApplyPools(t.Context(), []rules.Pool{r.pool}); err != nil {
		t.Fatal(err)
	}
	r.equal("Google by its ARN too", r.id(everyone, r.of(googleKey, "alice", "web")), google)
	r.pool.PublicProviders = nil
	if err := r.ApplyPools(t.Context(), []rules.Pool{r.pool}); err != nil {
		t.Fatal(err)
	}
	r.equal("Google by its ARN alone", r.id(everyone, r.of(googleKey, "alice", "android")), google)
}

// An identity of all kinds shows each by one name, and loses them by any spelling.
func TestLoginsOfEveryKindAreShown(t *testing.T) {
	r := newKindsRig(t)
	all := map[string]string{}
	for _, provider := range []string{googleKey, appleKey, facebookKey, amazonKey, newerUsersKey, samlARN} {
		maps.Copy(all, r.of(provider, "alice", "app"))
	}
	id := r.id(everyone, all)
	want := []string{googleKey, appleKey, samlARN, usersKey, facebookKey, amazonKey}
	slices.Sort(want)
	if diff := cmp.Diff(want, r.linked(id)); diff != "" {
		t.Errorf("DescribeIdentity (-want +got):\n%s", diff)
	}
	list, err := r.ListIdentities(t.Context(),
		&cognitoidentity.ListIdentitiesInput{IdentityPoolId: aws.String(everyone), MaxResults: aws.Int32(10)})
	if err != nil || len(list.Identities) != 1 {
		t.Fatalf("ListIdentities: got %v, %v", list, err)
	}
	if diff := cmp.Diff(want, list.Identities[0].Logins); diff != "" {
		t.Errorf("ListIdentities (-want +got):\n%s", diff)
	}
	for provider := range all { // each is a proof of its own
		r.equal(provider, r.id(everyone, r.of(provider, "alice", "app")), id)
	}
	_, err = r.UnlinkIdentity(t.Context(), &cognitoidentity.UnlinkIdentityInput{
		IdentityId: &id, Logins: r.of(googleKey, "alice", "app"), LoginsToRemove: []string{newerUsersKey, samlARN},
	})
	if err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(want, func(name string) bool { return name == usersKey || name == samlARN })
	if diff := cmp.Diff(want, r.linked(id)); diff != "" {
		t.Errorf("unlinked (-want +got):\n%s", diff)
	}
}

// Twitter and Digits are refused by name, where a pool lists them.
func TestRefusedKinds(t *testing.T) {
	r := newKindsRig(t)
	r.pool.PublicProviders = map[string]string{"api.twitter.com": "key;secret"}
	if err := r.ApplyPools(t.Context(), []rules.Pool{r.pool}); err != nil {
		t.Fatal(err)
	}
	for provider, want := range map[string]string{
		"api.twitter.com": "NotAuthorizedException: Logins of api.twitter.com are not supported.",
		"www.digits.com":  unsupported,
	} {
		r.equal(provider, r.id(everyone, map[string]string{provider: "token;secret"}), want)
	}
}

// A SAML login is for the enhanced flow, with the role that the assertion gives.
func TestSAMLLogins(t *testing.T) {
	r := newKindsRig(t)
	role := func(name string) string { return "arn:aws:iam::" + account + ":role/" + name }
	assertion := func(roles ...string) map[string]string {
		var values []any
		for _, name := range roles {
			values = append(values, role(name)+","+samlARN)
		}
		return map[string]string{samlARN: r.idp.Token(idptest.Claims{"aud": "app", roleAttribute: values})}
	}
	id := r.id(everyone, assertion("one"))
	r.equal("one role", r.credentials(id, assertion("one")), id+" as one")
	r.equal("several", r.credentials(id, assertion("one", "two")),
		"NotAuthorizedException: The ambiguous role mapping rules for: "+samlARN+" denied this request.")
	out, err := r.GetCredentialsForIdentity(t.Context(), &cognitoidentity.GetCredentialsForIdentityInput{
		IdentityId: &id, Logins: assertion("one", "two"), CustomRoleArn: aws.String(role("two")),
	})
	if err != nil {
		t.Fatal(err)
	}
	session, err := r.sts.Open(*out.Credentials.AccessKeyId, *out.Credentials.SessionToken)
	if err != nil || session.RoleARN != role("two") {
		t.Errorf("CustomRoleArn: got %q, %v", session.RoleARN, err)
	}
	_, err = r.GetOpenIdToken(t.Context(), &cognitoidentity.GetOpenIdTokenInput{IdentityId: &id, Logins: assertion("one")})
	if got, want := spell(err), "InvalidParameterException: Basic (classic) flow is not supported with SAML, please use "+
		"enhanced flow."; got != want {
		t.Errorf("GetOpenIdToken: got %q, want %q", got, want)
	}
}

// An explanation says of each kind what was checked, and why not.
func TestExplainedKinds(t *testing.T) {
	r := newKindsRig(t)
	step := func(login map[string]string) string {
		t.Helper()
		x, err := r.Explain(t.Context(), cognito.Question{Pool: everyone, Logins: login})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range x.Steps {
			if strings.HasPrefix(s.Check, "login ") {
				return s.Detail
			}
		}
		return ""
	}
	for provider, want := range map[string]string{
		googleKey: "issuer, signature, client and time are good; client app", newerUsersKey: "client app",
		facebookKey: "the provider vouches for the token, app and time are good; app app", samlARN: "recipient, audience",
	} {
		if got := step(r.of(provider, "alice", "app")); !strings.Contains(got, want) {
			t.Errorf("%s: explained as %q, want %q", provider, got, want)
		}
	}
	transient := map[string]string{samlARN: r.idp.Token(idptest.Claims{"aud": "app", "saml:sub_type": "transient"})}
	if got := step(transient); !strings.Contains(got, "transient, so each sign-in is a new identity") {
		t.Errorf("transient: explained as %q", got)
	}
	if got := step(r.of(googleKey, "alice", "other")); !strings.Contains(got, "a client that the pool, or client_ids") {
		t.Errorf("another client: explained as %q", got)
	}
	r.pool.OIDCProviderARNs = []string{"arn:aws:iam::" + account + ":oidc-provider/" + appleKey}
	r.pool.PublicProviders = nil
	if err := r.ApplyPools(t.Context(), []rules.Pool{r.pool}); err != nil {
		t.Fatal(err)
	}
	if got := step(r.of(appleKey, "alice", "app")); !strings.Contains(got, "login_providers has no client_ids for it") {
		t.Errorf("Apple by an ARN: explained as %q", got)
	}
}
