package awswire_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// from is err as the SDK's client returns it.
func from(id string, err error) error {
	return &smithy.OperationError{ServiceID: "s", OperationName: "o", Err: &awshttp.ResponseError{
		RequestID: id, ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 400}}, Err: err},
	}}
}

func TestRequestIDOfUpstream(t *testing.T) {
	const theirs = "11111111-2222-4333-8444-555555555555"
	refused, denied := cognito.NotAuthorized("No."), &sts.Error{Code: sts.CodeAccessDenied, Message: "No."}
	for _, tt := range []struct {
		name string
		wrap func(error) error
		want string
	}{
		{"ours", func(err error) error { return err }, requestID},
		{"theirs", func(err error) error { return from(theirs, err) }, theirs},
		{"wrapped", func(err error) error { return fmt.Errorf("call: %w", from(theirs, err)) }, theirs},
		{"beside a cause", func(err error) error { return cognito.WithCause(from(theirs, err), errors.New("x")) }, theirs},
		{"of the cause", func(err error) error { return cognito.WithCause(err, from(theirs, errors.New("x"))) }, theirs},
		{"behind an empty one", func(err error) error { return from("", from(theirs, err)) }, theirs},
		{"beside nothing", func(err error) error { return cognito.WithCause(err, nil) }, requestID},
		{"empty", func(err error) error { return from("", err) }, requestID},
		{"longest", func(err error) error { return from(strings.Repeat("a", 128), err) }, strings.Repeat("a", 128)},
		{"longer", func(err error) error { return from(strings.Repeat("a", 129), err) }, requestID},
		{"header injection", func(err error) error { return from("a\r\nSet-Cookie: b", err) }, requestID},
		{"other characters", func(err error) error { return from("a b", err) }, requestID},
		{"marked up", func(err error) error { return from("<a>", err) }, requestID},
		{"unknown error", func(error) error { return from(theirs, errors.New("x")) }, theirs},
	} {
		got := newServer(&fake{err: tt.wrap(refused)}).Serve(t.Context(), call("GetId", `{"IdentityPoolId":"`+pool+`"}`))
		if id := header(got, "x-amzn-RequestId"); id != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, id, tt.want)
		}
		got = assuming(&assumer{err: tt.wrap(denied)}).Serve(t.Context(), form(assumeForm))
		if id := header(got, "x-amzn-RequestId"); id != tt.want || !strings.Contains(string(got.Body), "<RequestId>"+tt.want+"</RequestId>") {
			t.Errorf("%s, STS: got %q in %s, want %q", tt.name, id, got.Body, tt.want)
		}
	}
}
