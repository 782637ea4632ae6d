package awswire_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
)

func TestGoldenSuccess(t *testing.T) {
	f := &fake{out: &cognitoidentity.GetCredentialsForIdentityOutput{
		IdentityId: aws.String(identity),
		Credentials: &types.Credentials{
			AccessKeyId: aws.String("ASIAEXAMPLE"), SecretKey: aws.String("a/b+<&>="), SessionToken: aws.String("token"),
			Expiration: aws.Time(time.Unix(1515115602, 0)),
		},
	}}
	got := newServer(f).Serve(t.Context(), call("GetCredentialsForIdentity",
		`{"IdentityId":"`+identity+`","Logins":{"p":"t"},"FromTheFuture":{"a":[1]}}`))
	want := &awswire.Response{
		Status: 200, ContentType: "application/x-amz-json-1.1", Operation: "GetCredentialsForIdentity",
		Headers: []awswire.Header{
			{Name: "x-amzn-RequestId", Value: requestID},
			{Name: "Access-Control-Allow-Origin", Value: "*"},
			{Name: "Access-Control-Expose-Headers", Value: "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"},
		},
		Body: []byte(`{"Credentials":{"AccessKeyId":"ASIAEXAMPLE","Expiration":1515115602,"SecretKey":"a/b+<&>=","SessionToken":"token"},"IdentityId":"` + identity + `"}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if aws.ToString(f.creds.IdentityId) != identity || f.creds.Logins["p"] != "t" || f.creds.CustomRoleArn != nil {
		t.Error("got another input than was sent")
	}
}

func TestGetIdIsExactly63Bytes(t *testing.T) {
	got := newServer(&fake{}).Serve(t.Context(), call("GetId", `{"IdentityPoolId":"`+pool+`"}`))
	if want := `{"IdentityId":"` + identity + `"}`; string(got.Body) != want || len(got.Body) != 63 {
		t.Errorf("got %s, want the 63 bytes %s", got.Body, want)
	}
}

func TestGoldenErrors(t *testing.T) {
	const notFound = "IdentityPool '" + pool + "' not found."
	good := `{"IdentityPoolId":"` + pool + `"}`
	tests := []struct {
		name    string
		err     error
		body    string
		status  int
		code    string
		message string
		header  string // x-amzn-ErrorMessage, where it is another text
	}{
		{"typed", cognito.PoolNotFound(pool), good, 400, "ResourceNotFoundException", notFound, ""},
		{"not authorised", cognito.NotAuthorized(cognito.MsgGuestsNotAllowed), good, 400, "NotAuthorizedException", cognito.MsgGuestsNotAllowed, ""},
		{"with a cause", cognito.WithCause(cognito.ExternalService("Later."), errors.New("SECRET")), good, 400, "ExternalServiceException", "Later.", ""},
		{"wrapped", fmt.Errorf("SECRET: %w", cognito.TooManyRequests("Rate exceeded")), good, 400, "TooManyRequestsException", "Rate exceeded", ""},
		{"access denied", &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "No."}, good, 400, "AccessDeniedException", "No.", ""},
		{"internal", cognito.WithCause(cognito.Internal(), errors.New("SECRET")), good, 500, "InternalErrorException", "Internal error.", ""},
		{"internal with a text", &types.InternalErrorException{Message: aws.String("SECRET")}, good, 500, "InternalErrorException", "Internal error.", ""},
		{"unknown", errors.New("SECRET"), good, 500, "InternalErrorException", "Internal error.", ""},
		{"unknown code", &smithy.GenericAPIError{Code: "ExpiredTokenException", Message: "SECRET"}, good, 500, "InternalErrorException", "Internal error.", ""},
		{"late", fmt.Errorf("call: %w", context.DeadlineExceeded), good, 500, "InternalErrorException", "Internal error.", ""},
		{"validation", nil, `{}`, 400, "ValidationException",
			"1 validation error detected: Value null at 'identityPoolId' failed to satisfy constraint: Member must not be null", ""},
		{"no message", &types.ResourceConflictException{}, good, 400, "ResourceConflictException", "", ""},
		{"unsafe for a header", cognito.InvalidParameter("a\r\nSet-Cookie: b\té\x7f"), good, 400, "InvalidParameterException",
			"a\r\nSet-Cookie: b\té\x7f", "a  Set-Cookie: b ??"},
		{"long for a header", cognito.InvalidParameter(strings.Repeat("x", 600)), good, 400, "InvalidParameterException",
			strings.Repeat("x", 600), strings.Repeat("x", 512)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := newServer(&fake{err: tt.err}).Serve(t.Context(), call("GetId", tt.body))
			escaped := strings.NewReplacer("\r", `\r`, "\n", `\n`, "\t", `\t`).Replace(tt.message)
			member := "message"
			if tt.code == cognito.CodeAccessDenied { // IAM, before the service
				member = "Message"
			}
			if want := `{"__type":"` + tt.code + `","` + member + `":"` + escaped + `"}`; string(got.Body) != want {
				t.Errorf("body: got %q, want %q", got.Body, want)
			}
			wantHeader := tt.header
			if wantHeader == "" {
				wantHeader = tt.message
			}
			if h := header(got, "x-amzn-ErrorMessage"); h != wantHeader {
				t.Errorf("x-amzn-ErrorMessage: got %q, want %q", h, wantHeader)
			}
			if h := header(got, "x-amzn-ErrorType"); h != tt.code+":" {
				t.Errorf("x-amzn-ErrorType: got %q, want %q", h, tt.code+":")
			}
			if got.Status != tt.status || got.Code != tt.code || got.ContentType != "application/x-amz-json-1.1" || got.Operation != "GetId" {
				t.Errorf("got status %d, code %q, type %q, operation %q", got.Status, got.Code, got.ContentType, got.Operation)
			}
			if header(got, "Access-Control-Allow-Origin") != "*" || header(got, "x-amzn-RequestId") != requestID {
				t.Errorf("got headers %v, want CORS and request id", got.Headers)
			}
			if got.Err == nil || tt.err != nil && !errors.Is(got.Err, tt.err) {
				t.Errorf("Err: got %v, want %v", got.Err, tt.err)
			}
		})
	}
}

// Captured answers of the service are exactly this long.
func TestEnvelopeLength(t *testing.T) {
	r := awswire.ErrorResponse("id", "NotAuthorizedException", 400, "Logins don't match. Please include at least one valid login for this identity or identity pool.")
	if got := len(r.Body); got != 143 {
		t.Errorf("got %d bytes, want 143", got)
	}
}

func TestErrorResponse(t *testing.T) {
	got := awswire.ErrorResponse(requestID, cognito.CodeTooLarge, 413, "Too large.")
	want := &awswire.Response{
		Status: 413, ContentType: "application/x-amz-json-1.1", Operation: "unknown", Code: cognito.CodeTooLarge,
		Headers: []awswire.Header{
			{Name: "x-amzn-RequestId", Value: requestID},
			{Name: "Access-Control-Allow-Origin", Value: "*"},
			{Name: "Access-Control-Expose-Headers", Value: "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"},
			{Name: "x-amzn-ErrorType", Value: "RequestEntityTooLargeException:"},
			{Name: "x-amzn-ErrorMessage", Value: "Too large."},
		},
		Body: []byte(`{"__type":"RequestEntityTooLargeException","message":"Too large."}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestRouting(t *testing.T) {
	const jsonType, formType = "application/x-amz-json-1.1", "application/x-www-form-urlencoded"
	h := func(pairs ...string) (list []awswire.Header) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, awswire.Header{Name: pairs[i], Value: pairs[i+1]})
		}
		return list
	}
	const target, getID = "X-Amz-Target", "AWSCognitoIdentityService.GetId"
	tests := []struct {
		name         string
		method, path string
		headers      []awswire.Header
		status       int
		code, label  string
	}{
		{"plain", "POST", "/", h(target, getID, "Content-Type", jsonType), 200, "", "GetId"},
		{"parameter", "POST", "/", h(target, getID, "Content-Type", jsonType+"; charset=utf-8"), 200, "", "GetId"},
		{"other case", "POST", "/", h("x-AMZ-target", getID, "content-TYPE", "Application/X-Amz-JSON-1.1"), 200, "", "GetId"},
		{"what clients add", "POST", "/", h(target, getID, "Content-Type", jsonType, "X-Amz-Date", "20200101T000000Z",
			"X-HTTP-Method-Override", "PUT", "Accept", "application/json", "x-amz-api-version", "2014-06-30",
			"amz-sdk-request", "attempt=1; max=3", "cache-control", "no-store"), 200, "", "GetId"},
		{"signed though it need not be", "POST", "/", h(target, getID, "Content-Type", jsonType, "Authorization", "AWS4-HMAC-SHA256 nonsense"), 200, "", "GetId"},
		{"no target", "POST", "/", h("Content-Type", jsonType), 400, cognito.CodeUnknownOperation, "unknown"},
		{"empty target", "POST", "/", h(target, "", "Content-Type", jsonType), 400, cognito.CodeUnknownOperation, "unknown"},
		{"two targets", "POST", "/", h(target, getID, target, getID, "Content-Type", jsonType), 400, cognito.CodeUnknownOperation, "unknown"},
		{"other service", "POST", "/", h(target, "AWSCognitoIdentityProviderService.GetId", "Content-Type", jsonType), 400, cognito.CodeUnknownOperation, "unknown"},
		{"no service", "POST", "/", h(target, "GetId", "Content-Type", jsonType), 400, cognito.CodeUnknownOperation, "unknown"},
		{"unknown operation", "POST", "/", h(target, "AWSCognitoIdentityService.Brew", "Content-Type", jsonType), 400, cognito.CodeUnknownOperation, "unknown"},
		{"operation in another case", "POST", "/", h(target, "AWSCognitoIdentityService.getId", "Content-Type", jsonType), 400, cognito.CodeUnknownOperation, "unknown"},
		{"no type", "POST", "/", h(target, getID), 400, cognito.CodeUnknownOperation, "GetId"},
		{"two types", "POST", "/", h(target, getID, "Content-Type", jsonType, "Content-Type", jsonType), 400, cognito.CodeUnknownOperation, "GetId"},
		{"other type", "POST", "/", h(target, getID, "Content-Type", "application/json"), 400, cognito.CodeUnknownOperation, "GetId"},
		{"other version", "POST", "/", h(target, getID, "Content-Type", "application/x-amz-json-1.0"), 400, cognito.CodeUnknownOperation, "GetId"},
		{"form with a target", "POST", "/", h(target, getID, "Content-Type", formType), 400, cognito.CodeUnknownOperation, "GetId"},
		{"form", "POST", "/", h("Content-Type", formType), 404, "MalformedQueryString", "unknown"},
		{"GET", "GET", "/", h(target, getID, "Content-Type", jsonType), 404, cognito.CodeUnknownOperation, "unknown"},
		{"PUT", "PUT", "/", h(target, getID, "Content-Type", jsonType), 404, cognito.CodeUnknownOperation, "unknown"},
		{"other path", "POST", "/x", h(target, getID, "Content-Type", jsonType), 404, cognito.CodeUnknownOperation, "unknown"},
		{"no path", "POST", "", h(target, getID, "Content-Type", jsonType), 404, cognito.CodeUnknownOperation, "unknown"},
	}
	for _, tt := range tests {
		f := &fake{}
		got := newServer(f).Serve(t.Context(), &awswire.Request{
			Method: tt.method, Path: tt.path, Headers: tt.headers, Body: []byte(`{"IdentityPoolId":"` + pool + `"}`),
		})
		if got.Status != tt.status || got.Code != tt.code || got.Operation != tt.label {
			t.Errorf("%s: got %d %q of %q, want %d %q of %q", tt.name, got.Status, got.Code, got.Operation, tt.status, tt.code, tt.label)
		}
		if called := f.id != nil; called != (tt.status == 200) {
			t.Errorf("%s: the API was called: %v", tt.name, called)
		}
	}
}

func TestPreflight(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("n,", 65), ",")
	tests := []struct{ name, requested, want string }{
		{"as browsers send it", "content-type,x-amz-target,x-amz-user-agent", "content-type,x-amz-target,x-amz-user-agent"},
		{"blanks and capitals", "Content-Type, X-Amz-Target", "Content-Type, X-Amz-Target"},
		{"none", "", ""},
		{"injection", "a\r\nSet-Cookie: x,b", "b"},
		{"no names", " , a b,\"c\",é,ok", "ok"},
		{"many", many, strings.TrimSuffix(strings.Repeat("n,", 64), ",")},
		{"long", "short," + strings.Repeat("y", 3000), "short"},
		{"as long as may be", strings.Repeat("y", 2042) + ",short", strings.Repeat("y", 2042) + ",short"},
		{"a byte longer", strings.Repeat("y", 2043) + ",short", strings.Repeat("y", 2043)},
		{"all characters of names", "azAZ09!#$%&'*+-.^_`|~", "azAZ09!#$%&'*+-.^_`|~"},
		{"characters beside them", "a{,A[,1:,2/,b@,ok", "ok"},
		{"one long", strings.Repeat("y", 3000), ""},
	}
	for _, tt := range tests {
		r := &awswire.Request{Method: "OPTIONS", Path: "/"}
		if tt.requested != "" {
			r.Headers = []awswire.Header{{Name: "access-control-request-headers", Value: tt.requested}}
		}
		got := newServer(&fake{}).Serve(t.Context(), r)
		want := []awswire.Header{
			{Name: "Access-Control-Allow-Origin", Value: "*"},
			{Name: "Access-Control-Allow-Methods", Value: "POST"},
			{Name: "Access-Control-Expose-Headers", Value: "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"},
			{Name: "Access-Control-Max-Age", Value: "172800"},
		}
		if tt.want != "" {
			want = append(want, awswire.Header{Name: "Access-Control-Allow-Headers", Value: tt.want})
		}
		want = append(want, awswire.Header{Name: "x-amzn-RequestId", Value: requestID})
		if diff := cmp.Diff(want, got.Headers); diff != "" || got.Status != 200 || len(got.Body) != 0 {
			t.Errorf("%s: status %d, %d bytes, headers (-want +got):\n%s", tt.name, got.Status, len(got.Body), diff)
		}
	}
}

func TestDefaultRequestIDs(t *testing.T) {
	s := awswire.New(awswire.Config{API: &fake{}})
	seen := map[string]bool{}
	for range 100 {
		id := header(s.Serve(t.Context(), call("GetId", "{}")), "x-amzn-RequestId")
		if len(id) != 36 || id[14] != '4' || seen[id] {
			t.Fatalf("got id %q, want a new random UUID", id)
		}
		seen[id] = true
	}
}
