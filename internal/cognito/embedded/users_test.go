package embedded_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/sts"
	"github.com/cognito-broker/broker/internal/userpool"
)

// users stands for a user pool that says so of everybody.
type users struct {
	says   error
	asked  atomic.Int32
	name   string
	within time.Duration
}

func (u *users) Check(_ context.Context, username, _ string, within time.Duration) (time.Time, error) {
	u.asked.Add(1)
	u.name, u.within = username, within
	return time.Now().Add(-10 * time.Second), u.says
}

// checked is a rig whose user pool is asked for users of one of its app clients.
func checked(t *testing.T, u embedded.UserChecker, unchecked bool) *kindsRig {
	t.Helper()
	r := newKindsRigWith(t, func(c *embedded.Config) {
		c.UsersUnchecked = unchecked
		if u != nil {
			c.Users = map[string]embedded.UserChecker{usersKey: u}
		}
	})
	r.pool.UserPools = []rules.UserPool{
		{Provider: newerUsersKey, ClientID: "app", ServerSideTokenCheck: aws.Bool(true)}, {Provider: usersKey, ClientID: "web"},
	}
	if err := r.ApplyPools(t.Context(), []rules.Pool{r.pool}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *kindsRig) named(client string) map[string]string {
	return map[string]string{usersKey: r.idp.Token(idptest.Claims{"aud": client, "cognito:username": "alice@example.com"})}
}

// A user pool is asked for the users of app clients that want it, by their names there.
func TestServerSideTokenCheck(t *testing.T) {
	u := &users{}
	r := checked(t, u, false)
	if got := r.id(everyone, r.named("web")); strings.Contains(got, "Exception") || u.asked.Load() != 0 {
		t.Errorf("a client without the check: got %q after %d questions", got, u.asked.Load())
	}
	id := r.id(everyone, r.named("app"))
	if strings.Contains(id, "Exception") || u.asked.Load() != 1 || u.name != "alice@example.com" || u.within != userpool.Issue {
		t.Errorf("got %q after %d questions for %q within %v", id, u.asked.Load(), u.name, u.within)
	}
	r.equal("credentials", r.credentials(id, r.named("app")), id+" as auth")
	r.equal("no name", r.id(everyone, r.of(usersKey, "alice", "app")),
		"NotAuthorizedException: Invalid login token. Missing a required claim: cognito:username")

	for what, c := range map[string]struct {
		says         error
		want, detail string
	}{
		"gone": {&userpool.Gone{}, "NotAuthorizedException: Invalid login token. The user does not exist or is disabled.",
			"ServerSideTokenCheck"},
		"down": {&userpool.Unavailable{}, "ExternalServiceException: The login provider cannot be reached. Try again later.",
			"cannot be asked for the user"},
	} {
		u.says = c.says
		r.equal(what, r.id(everyone, r.named("app")), c.want)
		r.equal(what+", for credentials", r.credentials(id, r.named("app")), c.want)
		x, err := r.Explain(t.Context(), cognito.Question{Pool: everyone, Logins: r.named("app")})
		if err != nil || !strings.Contains(x.Steps[len(x.Steps)-1].Detail, c.detail) {
			t.Errorf("%s: explained as %+v, %v", what, x, err)
		}
	}
	u.says = errors.New("a fault of ours")
	if got := r.id(everyone, r.named("app")); !strings.Contains(got, "InternalErrorException") {
		t.Errorf("a fault: got %q", got)
	}
}

// A cached answer rests on a question of the last minute; what cannot be asked is not passed over.
func TestRecheckedUsers(t *testing.T) {
	u := &users{}
	r := checked(t, u, false)
	prove := func(client string) (time.Time, error) {
		t.Helper()
		proof, err := r.prover.Prove(t.Context(), usersKey, r.named(client)[usersKey])
		if err != nil {
			t.Fatal(err)
		}
		return r.RecheckLogin(t.Context(), everyone, proof)
	}
	until, err := prove("app")
	if left := time.Until(until); err != nil || left < 49*time.Second || left > 50*time.Second || u.within != userpool.Fresh {
		t.Errorf("got %v left, within %v, %v; want 50 s of a question 10 s ago", left, u.within, err)
	}
	if until, err := prove("web"); err != nil || !until.IsZero() {
		t.Errorf("a client without the check: got %v, %v", until, err)
	}
	for _, says := range []error{&userpool.Gone{}, &userpool.Unavailable{}} {
		u.says = says
		if _, err := prove("app"); err == nil {
			t.Errorf("%T: got it taken", says)
		}
	}
}

// Tokens of ours that name a user of a pool that is asked end with him: as pass-through login, for STS and in the
// cache, by whatever app client and call they were made. Those of others are not asked about.
func TestServerSideTokenCheckOfOurTokens(t *testing.T) {
	u := &users{}
	r := checked(t, u, false)
	r.pool.DeveloperProvider = "login.example"
	if err := r.ApplyPools(t.Context(), []rules.Pool{r.pool}); err != nil {
		t.Fatal(err)
	}
	type own struct{ id, token string }
	basic := func(login map[string]string) own {
		t.Helper()
		id := r.id(everyone, login)
		out, err := r.GetOpenIdToken(t.Context(), &cognitoidentity.GetOpenIdTokenInput{IdentityId: &id, Logins: login})
		if err != nil {
			t.Fatal(err)
		}
		return own{id, *out.Token}
	}
	developers := func(user string, login map[string]string) own {
		t.Helper()
		all := maps.Clone(login)
		all["login.example"] = user
		out, err := r.GetOpenIdTokenForDeveloperIdentity(t.Context(), &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: aws.String(everyone), Logins: all, TokenDuration: aws.Int64(86400),
		})
		if err != nil {
			t.Fatal(err)
		}
		return own{*out.IdentityId, *out.Token}
	}
	bob := map[string]string{usersKey: r.idp.Token(idptest.Claims{"sub": "bob", "aud": "app", "cognito:username": "bob"})}
	for what, c := range map[string]struct {
		own
		asked bool
	}{
		"of a client with the check":     {basic(r.named("app")), true},
		"of a client without it":         {basic(r.named("web")), true}, // the token does not tell
		"a backend's, for both":          {developers("robert", bob), true},
		"a backend's, for its user":      {developers("dora", map[string]string{}), false},
		"a backend's, for him alone":     {developers("robert", map[string]string{}), false},
		"of another provider":            {basic(r.of(googleKey, "gina", "app")), false},
		"a backend's, for a Google user": {developers("glen", r.of(googleKey, "glen", "app")), false},
	} {
		read, err := r.ReadToken(c.token)
		if err != nil {
			t.Fatal(err)
		}
		for _, says := range []error{nil, &userpool.Gone{}, &userpool.Unavailable{}} {
			u.says = says
			u.asked.Store(0)
			refused := c.asked && says != nil
			got := r.credentials(c.id, map[string]string{cognito.PassThrough: c.token})
			_, gone := errors.AsType[*userpool.Gone](says)
			switch {
			case !refused:
				r.equal(what, got, c.id+" as auth")
			case gone:
				r.equal(what, got, "NotAuthorizedException: Invalid login token. The user does not exist or is disabled.")
			default:
				r.equal(what, got, "ExternalServiceException: The login provider cannot be reached. Try again later.")
			}
			if c.asked && (u.asked.Load() != 1 || u.name != "" || u.within != userpool.Issue) || !c.asked && u.asked.Load() != 0 {
				t.Errorf("%s: %d questions, for %q within %v", what, u.asked.Load(), u.name, u.within)
			}
			_, err := r.Verify(t.Context(), c.token)
			if _, denied := errors.AsType[*sts.Error](err); refused != (err != nil) || denied != (refused && gone) {
				t.Errorf("%s, by STS when %T: got %v", what, says, err)
			}
			until, err := r.RecheckToken(t.Context(), read)
			if refused != (err != nil) || c.asked && u.within != userpool.Fresh {
				t.Errorf("%s, rechecked when %T: got %v, within %v", what, says, err, u.within)
			}
			if left := time.Until(until); err == nil && c.asked != (left > 40*time.Second && left <= 50*time.Second) {
				t.Errorf("%s: it stands for %v", what, left)
			}
			said, err := r.Explain(t.Context(), cognito.Question{
				Pool: everyone, Identity: c.id, Logins: map[string]string{cognito.PassThrough: c.token},
			})
			if err != nil || said.Granted == refused || refused && !strings.Contains(said.Steps[1].Detail, "ServerSideTokenCheck") {
				t.Errorf("%s, when %T: explained as %+v, %v", what, says, said, err)
			}
		}
	}
}

// Without anybody to ask nobody is let in, but in development.
func TestUsersThatNobodyAsks(t *testing.T) {
	r := checked(t, nil, false)
	r.equal("in production", r.id(everyone, r.named("app")),
		"ExternalServiceException: The user pool cannot be asked: no credentials for it are configured.")
	x, err := r.Explain(t.Context(), cognito.Question{Pool: everyone, Logins: r.named("app")})
	if err != nil || !strings.Contains(x.Steps[len(x.Steps)-1].Detail, "admin_get_user") {
		t.Errorf("explained as %+v, %v", x, err)
	}
	own, err := r.RecheckToken(t.Context(), &cognito.Token{
		Pool: everyone, AMR: []string{"authenticated", usersKey, usersKey + ":CognitoSignIn:alice"},
	})
	if err == nil {
		t.Errorf("a token of ours in production: got it taken until %v", own)
	}
	if got := checked(t, nil, true); strings.Contains(got.id(everyone, got.named("app")), "Exception") {
		t.Error("in development: got nobody let in")
	}
}
