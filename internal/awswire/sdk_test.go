package awswire_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito"
)

func client(t *testing.T, f *fake, signed bool) *cognitoidentity.Client {
	t.Helper()
	o := cognitoidentity.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(listen(t, newServer(f))),
		Retryer: aws.NopRetryer{}, HTTPClient: http.DefaultClient,
	}
	if signed {
		o.Credentials = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")
	}
	return cognitoidentity.New(o)
}

func TestSDKSuccess(t *testing.T) {
	for _, expiration := range []time.Time{
		time.Unix(1515115602, 0).UTC(),
		time.UnixMilli(1538078988077).UTC(),
	} {
		f := &fake{out: &cognitoidentity.GetCredentialsForIdentityOutput{
			IdentityId: aws.String(identity),
			Credentials: &types.Credentials{
				AccessKeyId: aws.String("ASIAEXAMPLE"), SecretKey: aws.String("\"é\u2028\\"),
				SessionToken: aws.String("t"), Expiration: &expiration,
			},
		}}
		c := client(t, f, false)
		id, err := c.GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(pool), AccountId: aws.String("1")})
		if err != nil || aws.ToString(id.IdentityId) != identity {
			t.Fatalf("GetId: got %v, %v, want %s", id, err, identity)
		}
		if f.id.Logins != nil || aws.ToString(f.id.AccountId) != "1" {
			t.Errorf("GetId: got input %+v, want what was sent", f.id)
		}
		got, err := c.GetCredentialsForIdentity(t.Context(), &cognitoidentity.GetCredentialsForIdentityInput{
			IdentityId: aws.String(identity), Logins: map[string]string{"p": "t\"\u2029"},
			CustomRoleArn: aws.String("arn:aws:iam::000000000000:role/r"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f.out.Credentials, got.Credentials, cmp.AllowUnexported(types.Credentials{}), cmp.FilterPath(
			func(p cmp.Path) bool { return p.Last().String() == ".noSmithyDocumentSerde" }, cmp.Ignore())); diff != "" {
			t.Errorf("credentials (-want +got):\n%s", diff)
		}
		if aws.ToString(got.IdentityId) != identity || f.creds.Logins["p"] != "t\"\u2029" ||
			aws.ToString(f.creds.CustomRoleArn) != "arn:aws:iam::000000000000:role/r" {
			t.Error("got another identity or input than was sent")
		}
	}
}

func TestSDKSignsWhatNeedsNoSignature(t *testing.T) {
	if _, err := client(t, &fake{}, true).GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(pool)}); err != nil {
		t.Errorf("got %v, want it accepted", err)
	}
}

// Every exception of the SDK comes out as itself, with its message and status.
func TestSDKTypedErrors(t *testing.T) {
	m := aws.String("The text.")
	tests := []error{
		&types.ConcurrentModificationException{Message: m},
		&types.DeveloperUserAlreadyRegisteredException{Message: m},
		&types.ExternalServiceException{Message: m},
		&types.InternalErrorException{Message: m},
		&types.InvalidIdentityPoolConfigurationException{Message: m},
		&types.InvalidParameterException{Message: m},
		&types.LimitExceededException{Message: m},
		&types.NotAuthorizedException{Message: m},
		&types.ResourceConflictException{Message: m},
		&types.ResourceNotFoundException{Message: m},
		&types.TooManyRequestsException{Message: m},
	}
	for _, want := range tests {
		api, ok := errors.AsType[smithy.APIError](want)
		if !ok {
			t.Fatalf("%T is no error of an API", want)
		}
		_, err := client(t, &fake{err: want}, false).GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(pool)})
		got, ok := errors.AsType[smithy.APIError](err)
		status, message := 400, "The text."
		if api.ErrorCode() == cognito.CodeInternal {
			status, message = 500, "Internal error."
		}
		if !ok || got.ErrorCode() != api.ErrorCode() || got.ErrorMessage() != message {
			t.Errorf("%s: got %v, want it with its message", api.ErrorCode(), err)
		}
		if r, ok := errors.AsType[*smithyhttp.ResponseError](err); !ok || r.HTTPStatusCode() != status {
			t.Errorf("%s: got %v, want status %d", api.ErrorCode(), err, status)
		}
		typed := false
		switch api.ErrorCode() { // those that GetId's model lists
		case "NotAuthorizedException":
			_, typed = errors.AsType[*types.NotAuthorizedException](err)
		case "ResourceNotFoundException":
			_, typed = errors.AsType[*types.ResourceNotFoundException](err)
		case "TooManyRequestsException":
			_, typed = errors.AsType[*types.TooManyRequestsException](err)
		case "InternalErrorException":
			_, typed = errors.AsType[*types.InternalErrorException](err)
		default:
			continue
		}
		if !typed {
			t.Errorf("%s: got %T, want the SDK's type", api.ErrorCode(), err)
		}
	}
}

func TestSDKGenericErrors(t *testing.T) {
	_, err := client(t, &fake{}, false).GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: aws.String("us-east-1_AbC")})
	got, ok := errors.AsType[*smithy.GenericAPIError](err)
	want := `1 validation error detected: Value 'us-east-1_AbC' at 'identityPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`
	if !ok || got.Code != cognito.CodeValidation || got.Message != want {
		t.Errorf("got %v, want %s with %q", err, cognito.CodeValidation, want)
	}
}
