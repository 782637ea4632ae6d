package flows_test

import (
	"context"
	"fmt"
	"testing"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// A call whose logins are all refused here ends nothing when it fails, however often it was made
// and whatever the backend said: nothing, that it has a fault, or a refusal after an attempt that
// was not answered. Nor does it take from the identity's limit.
func TestFutileCallsEndNothing(t *testing.T) {
	for name := range vain {
		for what, failure := range map[string]error{
			"no answer":                  cognito.Unavailable(context.DeadlineExceeded),
			"refused after no answer":    cognito.Unsettled(definite["no such login"]),
			"no answer after no answer":  cut(),
			"throttled after no answer":  cognito.Unsettled(definite["throttled"]),
			"refused, as it is promised": definite["no such login"],
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				r := limited(t)
				r.backend.refuseAttempts(nil)
				r.want("key1", flows.Miss, flows.CallInfo{})
				r.backend.refuseAttempts(failure)
				for n := range 9 {
					if err := attempts[name](from(t.Context(), fmt.Sprint(n)), r, user); err == nil {
						t.Fatal("got an answer, want the failure")
					}
				}
				r.want("key1", flows.Hit, flows.CallInfo{})
				fleet := &unreachable{lease: cache.NewLease(), ended: map[cache.Scope]int{}}
				r.Epochs.ShareWith(fleet)
				r.backend.refuseAttempts(definite["no such login"])
				if err := attempts["unlink with a foreign login"](from(t.Context(), "m"), r, user); err == nil {
					t.Fatal("got an answer, want the refusal")
				}
				if fleet.ended[cache.IdentityScope(user)] == 0 {
					t.Error("a call that may unlink, after those: got no fence, want one within the limit")
				}
			})
		}
	}
}

// finality notes of calls whether the backend's first answer to them is final.
type finality struct {
	cognito.API
	final []bool
}

func (f *finality) UnlinkIdentity(
	ctx context.Context, in *ci.UnlinkIdentityInput, opts ...func(*ci.Options),
) (*ci.UnlinkIdentityOutput, error) {
	f.final = append(f.final, !cognito.Retries(ctx))
	return f.API.UnlinkIdentity(ctx, in, opts...)
}

// A call that is made without a fence because too many were refused is tried once, as within one:
// of a refusal after an answer that told nothing, nobody knows what it changed.
func TestUnfencedCallsAreTriedOnce(t *testing.T) {
	r := limited(t)
	backend := &finality{API: r.Next}
	r.Next = backend
	for n := range 6 {
		_ = attempts["unlink with a foreign login"](from(t.Context(), fmt.Sprint(n)), r, user)
	}
	if len(backend.final) != 6 {
		t.Fatalf("got %d calls, want 6", len(backend.final))
	}
	for n, final := range backend.final {
		if !final {
			t.Errorf("call %d: got retries, want none", n)
		}
	}
}
