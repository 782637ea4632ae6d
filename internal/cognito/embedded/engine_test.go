package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/sts"
)

const (
	account = "000000000000"
	open    = "us-east-1:00000000-0000-4000-8000-000000000001"
	closed  = "us-east-1:00000000-0000-4000-8000-000000000002" // no guests
	lonely  = "us-east-1:00000000-0000-4000-8000-000000000003" // no providers
	foreign = "us-east-1:00000000-0000-4000-8000-000000000004" // a role of another account
)

type rig struct {
	*embedded.Engine
	t         *testing.T
	idp, work *idptest.Issuer
	store     *store.Store
	sts       *sts.Builtin
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, idp: idptest.Start(t), work: idptest.Start(t)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var providers []logins.Provider
	var arns []string
	for _, i := range []*idptest.Issuer{r.idp, r.work} {
		providers = append(providers, logins.Provider{Name: i.Name(), Issuer: i.URL, ClientIDs: []string{idptest.ClientID}})
		arns = append(arns, "arn:aws:iam::"+account+":oidc-provider/"+i.Name())
	}
	prover, err := logins.New(logins.Config{Providers: providers,
		CognitoIssuers: []string{"https://cognito-identity.amazonaws.com"}})
	must(err)
	r.store, err = store.Open(t.Context(), store.InMemory)
	must(err)
	t.Cleanup(func() { r.store.Close() })
	r.sts, err = sts.NewBuiltin(sts.BuiltinConfig{Keys: [][]byte{[]byte(strings.Repeat("k", 32))}, AccountID: account})
	must(err)
	r.Engine, err = embedded.New(t.Context(),
		embedded.Config{Store: r.store, Prover: prover, STS: r.sts, AccountID: account})
	must(err)
	roles := rules.Roles{Authenticated: "arn:aws:iam::" + account + ":role/auth",
		Unauthenticated: "arn:aws:iam::" + account + ":role/unauth"}
	must(r.ApplyPools(t.Context(), []rules.Pool{
		{ID: open, AllowGuests: true, OIDCProviderARNs: arns, Roles: roles},
		{ID: closed, OIDCProviderARNs: arns, Roles: roles},
		{ID: lonely, AllowGuests: true, Roles: roles},
		{ID: foreign, AllowGuests: true, OIDCProviderARNs: arns[:1],
			Roles: rules.Roles{Unauthenticated: "arn:aws:iam::999999999999:role/x"}},
	}))
	return r
}

func (r *rig) login(user string) map[string]string {
	return map[string]string{r.idp.Name(): r.idp.Token(idptest.Claims{"sub": user})}
}

func (r *rig) both(user string) map[string]string {
	l := r.login(user)
	maps.Copy(l, map[string]string{r.work.Name(): r.work.Token(idptest.Claims{"sub": user})})
	return l
}

// id is GetId: an identity, or an error's name and text.
func (r *rig) id(pool string, tokens map[string]string) string {
	out, err := r.GetId(r.t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: &pool, Logins: tokens})
	if err != nil {
		return spell(err)
	}
	return *out.IdentityId
}

// credentials is GetCredentialsForIdentity: the session's identity and role, or
// an error's name and text.
func (r *rig) credentials(id string, tokens map[string]string) string {
	out, err := r.GetCredentialsForIdentity(r.t.Context(),
		&cognitoidentity.GetCredentialsForIdentityInput{IdentityId: &id, Logins: tokens})
	if err != nil {
		return spell(err)
	}
	session, err := r.sts.Open(*out.Credentials.AccessKeyId, *out.Credentials.SessionToken)
	if err != nil {
		return err.Error()
	}
	if life := time.Until(*out.Credentials.Expiration); life > time.Hour || life < 59*time.Minute ||
		session.Subject != *out.IdentityId {
		return fmt.Sprintf("life %v of %s in an answer for %s", life, session.Subject, *out.IdentityId)
	}
	_, role, _ := strings.Cut(session.RoleARN, ":role/")
	return session.Subject + " as " + role
}

func spell(err error) string {
	api := cognito.Public(err)
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

const (
	mismatch    = "NotAuthorizedException: " + cognito.MsgLoginsDontMatch
	unsupported = "NotAuthorizedException: " + cognito.MsgUnsupportedProvider
	noGuests    = "NotAuthorizedException: " + cognito.MsgGuestsNotAllowed
	conflict    = "ResourceConflictException: " + cognito.MsgAlreadyLinked
	misconfig   = "InvalidIdentityPoolConfigurationException: " + cognito.MsgPoolConfiguration
)

func (r *rig) equal(what, got, want string) {
	r.t.Helper()
	if got != want {
		r.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestGetId(t *testing.T) {
	r := newRig(t)
	alice := r.id(open, r.login("alice"))
	if !regexp.MustCompile(`^us-east-1:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(alice) {
		t.Errorf("got %q, want an id of the service's form", alice)
	}
	r.equal("the same login", r.id(open, r.login("alice")), alice)
	first, second := r.id(open, nil), r.id(open, nil)
	if r.id(open, r.login("bob")) == alice || r.id(closed, r.login("alice")) == alice || first == second {
		t.Error("another user, another pool or another guest: got the same identity")
	}
	r.equal("a second provider beside a known login", r.id(open, r.both("alice")), alice)
	r.equal("the second provider alone",
		r.id(open, map[string]string{r.work.Name(): r.work.Token(idptest.Claims{"sub": "alice"})}), alice)
	r.equal("two logins of two identities", r.id(open, map[string]string{
		r.idp.Name(): r.idp.Token(idptest.Claims{"sub": "bob"}), r.work.Name(): r.work.Token(idptest.Claims{"sub": "alice"}),
	}), conflict)
	r.equal("no guests", r.id(closed, nil), noGuests)
	r.equal("unknown pool", r.id("us-east-1:00", nil), "ResourceNotFoundException: IdentityPool 'us-east-1:00' not found.")
	r.equal("malformed pool", r.id("x", nil)[:19], "ValidationException")
	_, err := r.GetId(t.Context(),
		&cognitoidentity.GetIdInput{IdentityPoolId: aws.String(open), AccountId: aws.String("1")})
	r.equal("another account", spell(err), "ResourceNotFoundException: IdentityPool '"+open+"' not found.")
	if _, err := r.GetId(t.Context(),
		&cognitoidentity.GetIdInput{IdentityPoolId: aws.String(open), AccountId: aws.String(account)}); err != nil {
		t.Errorf("the pool's account: got %v", err)
	}
}

// Row 13 of docs/cognito.md#entering-an-identity, and what the token itself shows.
func TestProvidersThatThePoolDoesNotList(t *testing.T) {
	r := newRig(t)
	token := r.work.Token(nil)
	r.equal("a pool without providers", r.id(lonely, r.login("alice")), mismatch)
	r.equal("a provider that is not listed", r.id(foreign, map[string]string{r.work.Name(): token}), unsupported)
	r.equal("a key with a scheme", r.id(open, map[string]string{r.work.URL: token}),
		"NotAuthorizedException: Invalid login token. Issuer doesn't match providerName")
	r.equal("another provider's key", r.id(open, map[string]string{r.idp.Name(): token}),
		"NotAuthorizedException: Invalid login token. Issuer doesn't match providerName")
	r.equal("another client", r.id(open, map[string]string{r.work.Name(): r.work.Token(idptest.Claims{"aud": "x"})}),
		"NotAuthorizedException: Invalid login token. Incorrect token audience.")
	r.equal("Facebook", r.id(open, map[string]string{"graph.facebook.com": "opaque"}), unsupported)
	r.equal("one bad of two", r.id(open, map[string]string{r.idp.Name(): r.idp.Token(nil), r.work.Name(): "x"}),
		"NotAuthorizedException: Invalid login token. Not a valid OpenId Connect identity token.")
}

func TestGetCredentialsForIdentity(t *testing.T) {
	r := newRig(t)
	guest := r.id(open, nil)
	forbidden := "NotAuthorizedException: Access to Identity '" + guest + "' is forbidden."
	r.equal("row 1", r.credentials("us-east-1:00", nil), "ResourceNotFoundException: Identity 'us-east-1:00' not found.")
	r.equal("row 2", r.credentials(r.id(closed, r.login("alice")), nil), noGuests)
	r.equal("row 3", r.credentials(guest, nil), guest+" as unauth")
	r.equal("row 7", r.credentials(guest, r.login("alice")), guest+" as auth")
	r.equal("row 4", r.credentials(guest, nil), forbidden)
	r.equal("row 5", r.credentials(guest, r.login("alice")), guest+" as auth")
	r.equal("row 10", r.credentials(guest, r.login("bob")), mismatch)
	r.equal("row 6", r.credentials(guest, r.both("alice")), guest+" as auth")
	r.equal("row 8", r.credentials(r.id(open, nil), r.login("alice")), guest+" as auth")
	r.equal("an STS that refuses", r.credentials(r.id(foreign, nil), nil), misconfig)
	r.equal("no role for users", r.credentials(r.id(foreign, r.login("carol")), r.login("carol")), misconfig)
}

// First logins that race end with one identity.
func TestRacingLoginsMakeOneIdentity(t *testing.T) {
	r := newRig(t)
	var wg sync.WaitGroup
	ids := make([]string, 16)
	for n := range ids {
		wg.Go(func() { ids[n] = r.id(open, r.login("alice")) })
	}
	wg.Wait()
	for _, id := range ids {
		r.equal("a racing GetId", id, ids[0])
	}
}

// A store that fails is a fault of ours, never a refusal.
func TestClosedStoreIsInternal(t *testing.T) {
	r := newRig(t)
	guest := r.id(open, nil)
	r.store.Close()
	for what, got := range map[string]string{"GetId": r.id(open, nil), "credentials": r.credentials(guest, nil)} {
		r.equal(what, got, "InternalErrorException: Internal error.")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := r.Identity(ctx, guest); err == nil || !cognito.Passing(err) || errors.Is(err, store.ErrInUse) {
		t.Errorf("Identity: got %v, want a passing fault", err)
	}
}

// An account is full at a thousand pools (docs/cognito.md#quotas).
func TestPoolsOfAnAccount(t *testing.T) {
	r := newRig(t)
	var pools []rules.Pool
	for n := range 995 { // beside those of the rig
		pools = append(pools, rules.Pool{ID: fmt.Sprintf("us-east-1:10000000-0000-4000-8000-%012d", n), Name: "full"})
	}
	if err := r.ApplyPools(t.Context(), pools); err != nil {
		t.Fatal(err)
	}
	create := func() string {
		_, err := r.CreateIdentityPool(t.Context(),
			&cognitoidentity.CreateIdentityPoolInput{IdentityPoolName: aws.String("last")})
		if err != nil {
			return spell(err)
		}
		return ""
	}
	r.equal("the thousandth", create(), "")
	r.equal("one more", create(), "LimitExceededException: An account takes at most 1000 identity pools.")
	if _, err := r.DeleteIdentityPool(t.Context(),
		&cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: aws.String(lonely)}); err != nil {
		t.Fatal(err)
	}
	r.equal("in the place of another", create(), "")
}
