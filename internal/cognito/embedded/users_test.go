package embedded_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/logins/idptest"
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

// Without anybody to ask nobody is let in, but in development.
func TestUsersThatNobodyAsks(t *testing.T) {
	r := checked(t, nil, false)
	r.equal("in production", r.id(everyone, r.named("app")),
		"ExternalServiceException: The user pool cannot be asked: no credentials for it are configured.")
	x, err := r.Explain(t.Context(), cognito.Question{Pool: everyone, Logins: r.named("app")})
	if err != nil || !strings.Contains(x.Steps[len(x.Steps)-1].Detail, "admin_get_user") {
		t.Errorf("explained as %+v, %v", x, err)
	}
	if got := checked(t, nil, true); strings.Contains(got.id(everyone, got.named("app")), "Exception") {
		t.Error("in development: got nobody let in")
	}
}
