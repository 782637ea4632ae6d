package cognito_test

import (
	"errors"
	"fmt"
	"io"

	"github.com/cognito-broker/broker/internal/cognito"
)

// A decoded input is held to the service's model before it becomes a type of the SDK.
func ExampleValidate() {
	fmt.Println(cognito.Validate("GetId", map[string]any{
		"IdentityPoolId": "us-east-1:00000000-0000-4000-8000-000000000001",
	}))
	err := cognito.Validate("GetId", map[string]any{})
	fmt.Println(cognito.Public(err).ErrorCode())
	fmt.Println(cognito.Public(err).ErrorMessage())
	// Output:
	// <nil>
	// ValidationException
	// 1 validation error detected: Value null at 'identityPoolId' failed to satisfy constraint: Member must not be null
}

// The cause of an error is for the log; callers are sent what Public makes of it.
func ExamplePublic() {
	err := cognito.WithCause(cognito.NotAuthorized("Token is expired"), errors.New("exp is 300 s ago"))
	fmt.Println(cognito.Public(err).ErrorCode(), cognito.Public(err).ErrorMessage())
	fmt.Println(cognito.Cause(err))

	unknown := fmt.Errorf("read the store: %w", io.ErrUnexpectedEOF)
	fmt.Println(cognito.Public(unknown).ErrorCode(), cognito.Public(unknown).ErrorMessage())
	// Output:
	// NotAuthorizedException Token is expired
	// exp is 300 s ago
	// InternalErrorException Internal error.
}

// Nothing passing is ever told as a refusal, and what is not known is passing.
func ExamplePassing() {
	for _, err := range []error{
		cognito.NotAuthorized("Token is expired"), cognito.TooManyRequests("Rate exceeded"), io.ErrUnexpectedEOF,
	} {
		fmt.Printf("%s: %t\n", cognito.Public(err).ErrorCode(), cognito.Passing(err))
	}
	// Output:
	// NotAuthorizedException: false
	// TooManyRequestsException: true
	// InternalErrorException: true
}

func ExampleARNOfPool() {
	arn := cognito.ARNOfPool("123456789012", "eu-central-1:00000000-0000-4000-8000-000000000001")
	fmt.Println(arn)
	fmt.Println(cognito.PoolOfARN(arn))
	// Output:
	// arn:aws:cognito-identity:eu-central-1:123456789012:identitypool/eu-central-1:00000000-0000-4000-8000-000000000001
	// eu-central-1:00000000-0000-4000-8000-000000000001 true
}
