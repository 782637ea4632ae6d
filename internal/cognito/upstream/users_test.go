package upstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/userpool"
)

const usersKey = "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"

// loginAt is a proved login of alice at a user pool, with more claims.
func loginAt(t *testing.T, more idptest.Claims) *logins.Proof {
	t.Helper()
	idp := idptest.Start(t)
	prover, err := logins.New(logins.Config{Providers: []logins.Provider{{
		Name: usersKey, Kind: loginkey.UserPool, Issuer: idp.URL, KeysURL: idp.URL + "/keys",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	claims := idptest.Claims{"sub": "alice", "aud": "app", "token_use": "id"}
	for name, value := range more {
		claims[name] = value
	}
	proof, err := prover.Prove(t.Context(), usersKey, idp.Token(claims))
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

// A login is taken for a minute after its user pool had the user, and then no more when he is gone, or
// cannot be asked for. Nobody is asked about logins of others.
func TestUsersAreAskedForEachMinute(t *testing.T) {
	t.Parallel()
	const there = `{"Enabled":true,"UserAttributes":[{"Name":"sub","Value":"alice"}]}`
	asked, status, says := 0, 200, there
	pool := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(status)
		_, _ = io.WriteString(w, says)
	}))
	t.Cleanup(pool.Close)
	began := time.Unix(1_800_000_000, 0)
	now := began
	checker, err := userpool.New(userpool.Config{
		Region: "us-east-1", Pool: "us-east-1_abc", Endpoint: pool.URL, Now: func() time.Time { return now },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	users := upstream.Users{usersKey: checker}
	alice := loginAt(t, idptest.Claims{"cognito:username": "alice"})
	check := func(what string, questions int, until time.Time) {
		t.Helper()
		got, err := users.RecheckLogin(t.Context(), "any", alice)
		if asked != questions || !got.Equal(until) || (err == nil) != !until.IsZero() {
			t.Errorf("%s: got %v, %v after %d questions; want %v after %d", what, got, err, asked, until, questions)
		}
	}
	check("there", 1, began.Add(time.Minute))
	status, says = 400, `{"__type":"UserNotFoundException"}`
	now = began.Add(time.Minute)
	check("within a minute", 1, began.Add(time.Minute))
	now = now.Add(1)
	check("gone", 2, time.Time{})
	now = now.Add(time.Minute + 1)
	status, says = 503, ""
	check("not to be asked", 3, time.Time{})
	now = now.Add(time.Minute)
	status, says = 200, there
	check("back", 4, now.Add(time.Minute))

	if _, err := users.RecheckLogin(t.Context(), "any", loginAt(t, nil)); err == nil || asked != 4 {
		t.Errorf("without a name: got %v after %d questions, want it not taken", err, asked)
	}
	until, err := upstream.Users{"other": checker}.RecheckLogin(t.Context(), "any", alice)
	if err != nil || !until.IsZero() || asked != 4 {
		t.Errorf("another user pool's: got %v, %v", until, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	now = now.Add(time.Hour)
	if _, err := users.RecheckLogin(ctx, "any", alice); !errors.Is(err, context.Canceled) {
		t.Errorf("who left: got %v", err)
	}
	if _, err := users.RecheckToken(t.Context(), &cognito.Token{}); err == nil {
		t.Error("a token of upstream's own is taken")
	}
}
