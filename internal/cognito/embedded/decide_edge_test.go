package embedded_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/sts"
	"github.com/cognito-broker/broker/internal/sts/trust"
)

// meddler is an STS during whose work something else happens.
type meddler struct {
	sts.Assumer
	meanwhile func()
	refuse    error
}

func (m *meddler) Assume(ctx context.Context, req sts.AssumeRequest) (sts.Credentials, error) {
	if m.meanwhile != nil {
		m.meanwhile()
	}
	if m.refuse != nil {
		return sts.Credentials{}, m.refuse
	}
	return m.Assumer.Assume(ctx, req)
}

// linker is an engine with a guest, and a login that nobody has.
type linker struct {
	*judged
	t     *testing.T
	sts   *meddler
	guest string
	login map[string]string
}

func newLinker(t *testing.T, change ...func(*embedded.Config)) *linker {
	t.Helper()
	l := &linker{t: t, sts: &meddler{}}
	l.judged = newJudged(t, append(change, func(c *embedded.Config) { l.sts.Assumer, c.STS = c.STS, l.sts })...)
	l.guest = l.id(nil)
	l.login = map[string]string{l.idps[0].Name(): l.idps[0].Token(idptest.Claims{"sub": "alice"})}
	return l
}

func (l *linker) id(logins map[string]string) string {
	l.t.Helper()
	out, err := l.engine.GetId(l.t.Context(),
		&cognitoidentity.GetIdInput{IdentityPoolId: aws.String(open), Logins: logins})
	if err != nil {
		l.t.Fatal(err)
	}
	return *out.IdentityId
}

func (l *linker) link() (string, error) {
	out, err := l.engine.GetCredentialsForIdentity(l.t.Context(),
		&cognitoidentity.GetCredentialsForIdentityInput{IdentityId: &l.guest, Logins: l.login})
	if err != nil {
		return "", err
	}
	if s, err := l.judged.sts.Open(*out.Credentials.AccessKeyId, *out.Credentials.SessionToken); err != nil ||
		s.Subject != *out.IdentityId {
		l.t.Errorf("got credentials of %s for %s (%v)", s.Subject, *out.IdentityId, err)
	}
	return *out.IdentityId, nil
}

func (l *linker) stillGuest() bool {
	l.t.Helper()
	_, guest, ok, err := l.engine.Identity(l.t.Context(), l.guest)
	if err != nil || !ok {
		l.t.Fatalf("got %t, %v", ok, err)
	}
	return guest
}

// A call for credentials that is refused has linked nothing, whoever refuses it.
func TestRefusedCredentialsLinkNothing(t *testing.T) {
	denied, err := trust.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"no-pool"}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	roles := newJudged(t).pools()[0].Roles
	for name, c := range map[string]struct {
		change  func(*embedded.Config)
		refuse  error
		roles   rules.Roles
		decided bool // before STS is asked
	}{
		"the pool has no role for users": {roles: rules.Roles{Unauthenticated: roles.Unauthenticated}, decided: true},
		"the role's trust policy denies it": {roles: roles,
			change: func(c *embedded.Config) { c.Trust = map[string]*trust.Policy{roles.Authenticated: denied} }, decided: true},
		"STS refuses it": {roles: roles, refuse: sts.NotAuthorized(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLinker(t, func(config *embedded.Config) {
				if c.change != nil {
					c.change(config)
				}
			})
			pool := l.pools()[0]
			pool.Roles, l.sts.refuse = c.roles, c.refuse
			if err := l.engine.ApplyPools(t.Context(), []rules.Pool{pool}); err != nil {
				t.Fatal(err)
			}
			effect, err := l.engine.Decide(t.Context(),
				&cognitoidentity.GetCredentialsForIdentityInput{IdentityId: &l.guest, Logins: l.login})
			if got := err != nil; got != c.decided || effect.Changes() == c.decided {
				t.Errorf("Decide: got %+v, %v", effect, err)
			}
			if _, err := l.link(); err == nil || spell(err) != misconfig || !l.stillGuest() {
				t.Errorf("got %v, a guest: %t; want a refusal and a guest", err, l.stillGuest())
			}
		})
	}
}

// Where the login comes to another identity while STS works, the answer is for that
// one; where that goes on and on, nothing is answered.
func TestLoginsThatMoveWhileCredentialsAreBrought(t *testing.T) {
	l := newLinker(t)
	var other string
	l.sts.meanwhile = func() { other = l.id(l.login) }
	if got, err := l.link(); err != nil || got != other || got == l.guest {
		t.Errorf("moved once: got %s, %v, want %s", got, err, other)
	}
	l = newLinker(t)
	calls := 0
	l.sts.meanwhile = func() {
		if calls++; calls%2 == 1 {
			other = l.id(l.login)
		} else if _, err := l.engine.DeleteIdentities(t.Context(),
			&cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: []string{other}}); err != nil {
			t.Error(err)
		}
	}
	if got, err := l.link(); err == nil || !cognito.Passing(err) || calls != 3 || !l.stillGuest() {
		t.Errorf("moved each time: got %s, %v after %d calls of STS", got, err, calls)
	}
}

// To decide a call costs no quota, and where none is left the call is refused.
func TestDecideCostsNoQuota(t *testing.T) {
	l := newLinker(t, func(c *embedded.Config) { c.Limits = map[string]float64{"TagResource": 1.0 / 900} })
	arn := cognito.ARNOfPool(account, open)
	in := &cognitoidentity.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"k": "v"}}
	for range 3 {
		if _, err := l.engine.Decide(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.engine.TagResource(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, decided := l.engine.Decide(t.Context(), in)
	_, err := l.engine.TagResource(t.Context(), in)
	if decided == nil || err == nil || spell(decided) != spell(err) ||
		spell(err) != "TooManyRequestsException: "+cognito.MsgRateExceeded {
		t.Errorf("got %v, and %v", decided, err)
	}
}

// What changes nothing is not decided, and never taken for allowed.
func TestDecideRefusesWhatChangesNothing(t *testing.T) {
	l := newLinker(t)
	for _, in := range []any{
		nil, "GetId", struct{}{}, &struct{}{}, cognitoidentity.GetIdInput{}, (*cognitoidentity.GetIdInput)(nil),
		&cognitoidentity.GetIdOutput{},
		&cognitoidentity.DescribeIdentityInput{IdentityId: &l.guest},
		&cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(1)},
	} {
		if effect, err := l.engine.Decide(t.Context(), in); err == nil || effect.Changes() || effect.Creates {
			t.Errorf("%T: got %+v, %v, want an error", in, effect, err)
		}
	}
}
