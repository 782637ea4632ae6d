package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
)

// startLimited runs a broker whose engine takes one call each of some operations,
// and no other in the time of a test.
func startLimited(t *testing.T, operations ...string) *instance {
	t.Helper()
	b := prepare(t, nil, "")
	b.startLimited(t, operations)
	return b
}

// startLimited starts a broker with limits of these operations alone. Those that
// are put before it have none.
func (i *instance) startLimited(t *testing.T, operations []string) {
	t.Helper()
	plain, limits := slices.Clone(i.environ), "BROKER_COGNITO__LIMITS={"
	for _, operation := range operations {
		limits += operation + ": 0.001, "
	}
	i.environ = append(i.environ, limits+"}")
	i.start(t)
	i.environ = plain
}

// throttled fails unless err is Cognito's throttle, to the letter.
func throttled(t *testing.T, what string, err error) {
	t.Helper()
	if _, ok := errors.AsType[*types.TooManyRequestsException](err); !ok || message(err) != "Rate exceeded" {
		t.Errorf("%s: got %v, want TooManyRequestsException: Rate exceeded", what, err)
	}
}

// throttledOnREST is throttled for a route.
func throttledOnREST(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status != http.StatusTooManyRequests || a.tree["code"] != "TooManyRequestsException" || a.tree["detail"] != "Rate exceeded" || a.header.Get("Retry-After") == "" {
		t.Errorf("%s: got %d %v %v, Retry-After %q, want 429 TooManyRequestsException", what, a.status, a.tree["code"], a.tree["detail"], a.header.Get("Retry-After"))
	}
}

// The engine throttles as Cognito does, and a broker before it says so too. Who is
// served from the cache of either does not notice.
func TestEngineThrottlesAsCognito(t *testing.T) {
	t.Parallel()
	engine := startLimited(t, "GetId")
	front := startUpstream(t, engine, engine.url, "limits: {request_timeout: 10s}\n")
	front.behind = engine
	user := front.login(t, "first")
	id, err := front.getID(t.Context(), demoPool, user)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*instance{"engine": engine, "aws": front} {
		t.Run(name, func(t *testing.T) {
			other := b.login(t, "another")
			_, err := b.getID(t.Context(), demoPool, other)
			throttled(t, "GetId", err)
			if r, err := b.onWire("GetId", "GetId", map[string]any{"IdentityPoolId": demoPool, "Logins": other}).ask(t.Context()); err != nil || r.status != http.StatusBadRequest {
				t.Errorf("GetId: got %+v %v, want 400", r, err)
			}
			throttledOnREST(t, "credentials", b.rest(t, demoPool, "credentials", map[string]any{"logins": other}))
			throttledOnREST(t, "a guest", b.rest(t, demoPool, "identities", map[string]any{}))
			for range 3 {
				if _, err := b.getCredentials(t.Context(), id, user); err != nil {
					t.Errorf("another operation: %v", err)
				}
			}
		})
	}
}

// Each operation has its own limit.
func TestEngineThrottlesByOperation(t *testing.T) {
	t.Parallel()
	b := startLimited(t, "GetCredentialsForIdentity", "GetOpenIdToken", "GetOpenIdTokenForDeveloperIdentity", "ListIdentityPools", "DescribeIdentityPool")
	ids, users := [2]string{}, [2]map[string]string{}
	for n := range ids {
		users[n] = b.login(t, fmt.Sprint("user ", n))
		var err error
		if ids[n], err = b.getID(t.Context(), demoPool, users[n]); err != nil {
			t.Fatal(err)
		}
	}
	for name, call := range map[string]func(ctx context.Context, n int) error{
		"GetCredentialsForIdentity": func(ctx context.Context, n int) error {
			_, err := b.getCredentials(ctx, ids[n], users[n])
			return err
		},
		"GetOpenIdToken": func(ctx context.Context, n int) error {
			_, err := b.sdk().GetOpenIdToken(ctx, &cognitoidentity.GetOpenIdTokenInput{IdentityId: &ids[n], Logins: users[n]})
			return err
		},
		"GetOpenIdTokenForDeveloperIdentity": func(ctx context.Context, n int) error {
			_, err := b.sdkAs(backendCaller()).GetOpenIdTokenForDeveloperIdentity(ctx, &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
				IdentityPoolId: aws.String(demoPool), Logins: map[string]string{"login.example": fmt.Sprint(n)},
			})
			return err
		},
		"ListIdentityPools": func(ctx context.Context, _ int) error {
			_, err := b.sdkAs(admin()).ListIdentityPools(ctx, &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(1)})
			return err
		},
	} {
		if err := call(t.Context(), 0); err != nil {
			t.Errorf("%s: got %v, want the first call answered", name, err)
		}
		throttled(t, name, call(t.Context(), 1))
	}
	if _, err := b.getCredentials(t.Context(), ids[0], users[0]); err != nil {
		t.Errorf("the cached user: got %v, want an answer", err)
	}
	throttledOnREST(t, "credentials", b.rest(t, demoPool, "credentials", map[string]any{"identityId": ids[1], "logins": users[1]}))
	throttledOnREST(t, "token", b.rest(t, demoPool, "token", map[string]any{"identityId": ids[1], "logins": users[1]}))
	throttledOnREST(t, "classic", b.rest(t, demoPool, "credentials", map[string]any{"identityId": ids[1], "logins": users[1], "flow": "classic", "roleArn": authRole}))
	throttledOnREST(t, "developer token", b.rest(t, demoPool, "developer/token", map[string]any{"userIdentifier": "u"}, bearer(backendAPIKey)...))
}
