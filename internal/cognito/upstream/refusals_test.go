package upstream_test

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cognito"
)

// The service's errors come through with their type, message and request id,
// also those that the model does not list for the operation.
func TestRefusalsPassThrough(t *testing.T) {
	for code, want := range map[string]error{
		"NotAuthorizedException":                    &types.NotAuthorizedException{},
		"ResourceNotFoundException":                 &types.ResourceNotFoundException{},
		"InvalidParameterException":                 &types.InvalidParameterException{},
		"ResourceConflictException":                 &types.ResourceConflictException{},
		"InvalidIdentityPoolConfigurationException": &types.InvalidIdentityPoolConfigurationException{},
		"TooManyRequestsException":                  &types.TooManyRequestsException{},
		"ExternalServiceException":                  &types.ExternalServiceException{},
		"LimitExceededException":                    &types.LimitExceededException{},
		"ConcurrentModificationException":           &types.ConcurrentModificationException{},
		"DeveloperUserAlreadyRegisteredException":   &types.DeveloperUserAlreadyRegisteredException{},
		"InternalErrorException":                    &types.InternalErrorException{},
		"ValidationException":                       &smithy.GenericAPIError{},
		"AccessDeniedException":                     &smithy.GenericAPIError{},
		"UnknownOperationException":                 &smithy.GenericAPIError{},
	} {
		for _, operation := range []string{"GetId", "DescribeIdentityPool", "GetOpenIdTokenForDeveloperIdentity"} {
			message := "Access to Identity '" + id + "' is forbidden."
			s := serve(t, func(w http.ResponseWriter, _ request) { refuse(w, code, message) })
			_, err := standard(t.Context(), backend(t, s.URL), operation)
			public := cognito.Public(err)
			if err == nil || public.ErrorCode() != code || public.ErrorMessage() != message ||
				reflect.TypeOf(public) != reflect.TypeOf(want) {
				t.Errorf("%s of %s: %v (%T)", code, operation, err, public)
			}
			if got := upstreamID(err); got != "5f0e2b1c-request" {
				t.Errorf("%s of %s: request id %q", code, operation, got)
			}
		}
	}
}

func upstreamID(err error) string {
	var known interface{ ServiceRequestID() string }
	if !errors.As(err, &known) {
		return ""
	}
	return known.ServiceRequestID()
}

// Faults carry the request id too, where upstream answered at all.
func TestRequestIDOfFaults(t *testing.T) {
	for _, body := range []string{"<html>", ""} {
		s := serve(t, func(w http.ResponseWriter, _ request) { say(w, 500, body) })
		_, err := standard(t.Context(), backend(t, s.URL), "GetId")
		if got := upstreamID(err); got != "5f0e2b1c-request" {
			t.Errorf("%q: request id %q of %v", body, got, err)
		}
		if cause := cognito.Cause(err); cause == nil ||
			!strings.Contains(cause.Error(), "GetId (request 5f0e2b1c-request)") || !strings.Contains(cause.Error(), "500") {
			t.Errorf("%q: cause %v", body, cause)
		}
	}
}

// The service's validation errors repeat what they refuse; logins never return.
func TestMessagesHideTokens(t *testing.T) {
	jwt := token(pool, id)
	s := serve(t, func(w http.ResponseWriter, _ request) {
		refuse(w, "ValidationException",
			fmt.Sprintf("1 validation error detected: Value '{%s=%s, x=%s}' at 'logins' failed: %s",
				provider, login, jwt[:60], strings.Repeat("ü", 4000)))
	})
	_, err := backend(t, s.URL).GetId(t.Context(), &cognitoidentity.GetIdInput{
		IdentityPoolId: aws.String(pool), Logins: map[string]string{provider: login, "x": jwt, "short": "l"},
	})
	silent(t, "validation", err)
	got := cognito.Public(err).ErrorMessage()
	if want := "Value '{" + provider + "=[redacted], x=[redacted]}' at 'logins' failed: ü"; !strings.Contains(got, want) ||
		len(got) > 2048 {
		t.Errorf("message of %d bytes: %.200s", len(got), got)
	}
}

// What the SDK itself refuses to send is the caller's to correct.
func TestInputsThatTheSDKRefuses(t *testing.T) {
	s := serve(t, nil)
	_, err := backend(t, s.URL).SetIdentityPoolRoles(t.Context(),
		&cognitoidentity.SetIdentityPoolRolesInput{IdentityPoolId: aws.String(pool)})
	if err == nil || cognito.Public(err).ErrorCode() != cognito.CodeValidation || cognito.Passing(err) ||
		len(s.requests()) != 0 {
		t.Errorf("%v after %d requests", err, len(s.requests()))
	}
}
