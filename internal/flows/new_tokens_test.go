package flows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

const facebook = "graph.facebook.com"

// addresses notes whose tokens are counted, and has no permit for one address.
type addresses struct {
	mu   sync.Mutex
	seen []string
}

func (a *addresses) Take(address string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, address)
	if address == "10.0.0.66" {
		return time.Minute
	}
	return 0
}

func (*addresses) Return(string) {}

// The address that the edge tells is the one by which new tokens are counted; callers, who speak for
// many, are not. A token over the limit is refused for now: the backend is not asked to judge it, by any operation.
func TestNewTokensAreCountedByAddress(t *testing.T) {
	graph, limits := idptest.NewGraph(), &addresses{}
	prover, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: facebook, Kind: loginkey.Facebook}},
		Transport: idptest.InProcess{facebook: graph}, NewTokens: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.Prover = prover
	ask := func(ctx context.Context, token string) error {
		in := &ci.GetCredentialsForIdentityInput{IdentityId: ptr(user), Logins: map[string]string{facebook: token}}
		_, err := r.GetCredentialsForIdentity(ctx, in)
		return err
	}
	token := func(n int) string { return graph.Token(idptest.GraphToken{App: "1", User: fmt.Sprint(n)}) }
	known := token(1)
	for range 2 {
		if err := ask(from(t.Context(), "10.0.0.1"), known); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask(from(t.Context(), "10.0.0.1"), "EAA"+strings.Repeat("x", 40)); err != nil {
		t.Fatal(err) // by the backend, which refuses nobody
	}
	if err := ask(callers.With(from(t.Context(), "10.0.0.2"), &callers.Caller{}), token(2)); err != nil {
		t.Fatal(err)
	}
	if err := ask(from(t.Context(), ""), token(3)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"10.0.0.1", "10.0.0.1"}; !slices.Equal(limits.seen, want) {
		t.Errorf("counted %q, want %q", limits.seen, want)
	}
	asked, before := graph.Questions.Load(), r.backend.exchanges.Load()
	over := from(t.Context(), "10.0.0.66")
	logins4 := map[string]string{facebook: token(4)}
	_, ided := r.GetId(over, &ci.GetIdInput{IdentityPoolId: ptr(pool), Logins: logins4})
	_, tokened := r.GetOpenIdToken(over, &ci.GetOpenIdTokenInput{IdentityId: ptr(user), Logins: logins4})
	_, unlinked := r.UnlinkIdentity(over, &ci.UnlinkIdentityInput{
		IdentityId: ptr(user), Logins: logins4, LoginsToRemove: []string{facebook},
	})
	_, granted := r.Grant(over, flows.GrantRequest{Pool: pool, Logins: logins4})
	for what, err := range map[string]error{
		"GetCredentialsForIdentity": ask(over, token(4)), "GetId": ided, "GetOpenIdToken": tokened,
		"UnlinkIdentity": unlinked, "REST": granted,
	} {
		if _, ok := errors.AsType[*types.TooManyRequestsException](err); !ok {
			t.Errorf("over the limit, %s: got %v, want TooManyRequestsException", what, err)
		}
	}
	if n := r.backend.exchanges.Load() - before; n != 0 {
		t.Errorf("over the limit: got %d exchanges, want none", n)
	}
	if graph.Questions.Load() != asked {
		t.Error("over the limit: the provider was asked")
	}
	_, err = prover.Prove(over, facebook, token(5))
	if _, ok := errors.AsType[*logins.Limited](err); !ok {
		t.Errorf("whoever proves for the request: got %v, want Limited", err)
	}
}
