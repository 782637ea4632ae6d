package cognito_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// Only what surely refused a change before it was made counts as unmade; all that is
// not known does not.
func TestUnmade(t *testing.T) {
	named := func(code string) error { return &smithy.GenericAPIError{Code: code, Fault: smithy.FaultClient} }
	throttled := cognito.TooManyRequests("Rate exceeded")
	for _, test := range []struct {
		name string
		err  error
		want bool
	}{
		{"no error", nil, false},
		{"throttled", throttled, true},
		{"not authorized", cognito.NotAuthorized("no"), true},
		{"not found", cognito.ResourceNotFound("no"), true},
		{"a parameter", cognito.InvalidParameter("no"), true},
		{"a constraint", cognito.Validation("no"), true},
		{"a body", cognito.Serialization("no"), true},
		{"conflict", cognito.ResourceConflict("no"), true},
		{"limit", cognito.LimitExceeded("no"), true},
		{"concurrent", &types.ConcurrentModificationException{}, true},
		{"another's user", cognito.DeveloperUserAlreadyRegistered("no"), true},
		{"rights", named(cognito.CodeAccessDenied), true},
		{"operation", named(cognito.CodeUnknownOperation), true},
		{"too large", named(cognito.CodeTooLarge), true},
		{"within another", fmt.Errorf("ask: %w", throttled), true},
		{"with a cause", cognito.WithCause(throttled, context.DeadlineExceeded), true},
		{"unsent", cognito.Unsent(cognito.Unavailable(io.EOF)), true},
		{"unsent, within another", fmt.Errorf("ask: %w", cognito.Unsent(io.EOF)), true},

		{"fault", cognito.Internal(), false},
		{"no answer", cognito.Unavailable(io.EOF), false},
		{"no answer, throttled once", cognito.Unavailable(errors.Join(io.EOF, io.ErrUnexpectedEOF)), false},
		{"broken off", io.ErrUnexpectedEOF, false},
		{"deadline", context.DeadlineExceeded, false},
		{"a login provider that cannot be asked", cognito.ExternalService("no"), true},
		{"roles, read after the change", cognito.InvalidPoolConfiguration("no"), false},
		{"a name that nobody knows", named("SomethingNewException"), false},
		{"STS throttles", cognito.STSFault(&sts.Fault{Throttled: true}), false},
		{"STS fails", cognito.STSFault(&sts.Fault{}), false},
		{"unsettled", cognito.Unsettled(throttled), false},
		{"unsettled, within another", fmt.Errorf("ask: %w", cognito.Unsettled(cognito.NotAuthorized("no"))), false},
		{"unsettled and then said to be unsent", cognito.Unsettled(cognito.Unsent(throttled)), false},
	} {
		if got := cognito.Unmade(test.err); got != test.want {
			t.Errorf("%s: %v is unmade: %t", test.name, test.err, got)
		}
	}
	if cognito.Unsettled(nil) != nil || cognito.Unsent(nil) != nil {
		t.Error("a mark made an error of none")
	}
}

// A mark changes nothing of what callers and logs are told.
func TestMarksAreSilent(t *testing.T) {
	cause := errors.New("the cause")
	for _, mark := range []func(error) error{cognito.Unsettled, cognito.Unsent} {
		err := mark(cognito.WithCause(cognito.TooManyRequests("slow"), cause))
		if err.Error() != cognito.TooManyRequests("slow").Error() || cognito.Public(err).ErrorMessage() != "slow" ||
			!errors.Is(cognito.Cause(err), cause) || !cognito.Passing(err) {
			t.Errorf("%v, public %v, cause %v", err, cognito.Public(err), cognito.Cause(err))
		}
		if err := mark(cognito.Unavailable(cause)); !errors.Is(err, cognito.ErrUnavailable) {
			t.Errorf("%v is not unavailable", err)
		}
	}
}
