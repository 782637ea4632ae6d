package awswire_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
)

// sdkCalls calls each signed operation that is served by the SDK's client.
func sdkCalls() map[string]func(context.Context, *ci.Client) error {
	role := map[string]string{"authenticated": "arn:aws:iam::000000000000:role/r"}
	return map[string]func(context.Context, *ci.Client) error{
		"CreateIdentityPool": func(ctx context.Context, c *ci.Client) error {
			_, err := c.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("n"), AllowClassicFlow: aws.Bool(false),
				CognitoIdentityProviders: []types.CognitoIdentityProvider{{ProviderName: aws.String("p"), ClientId: aws.String("c")}}})
			return err
		},
		"DeleteIdentityPool": func(ctx context.Context, c *ci.Client) error {
			_, err := c.DeleteIdentityPool(ctx, &ci.DeleteIdentityPoolInput{IdentityPoolId: aws.String(pool)})
			return err
		},
		"DescribeIdentity": func(ctx context.Context, c *ci.Client) error {
			_, err := c.DescribeIdentity(ctx, &ci.DescribeIdentityInput{IdentityId: aws.String(identity)})
			return err
		},
		"DescribeIdentityPool": func(ctx context.Context, c *ci.Client) error {
			_, err := c.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: aws.String(pool)})
			return err
		},
		"GetIdentityPoolRoles": func(ctx context.Context, c *ci.Client) error {
			_, err := c.GetIdentityPoolRoles(ctx, &ci.GetIdentityPoolRolesInput{IdentityPoolId: aws.String(pool)})
			return err
		},
		"GetOpenIdTokenForDeveloperIdentity": func(ctx context.Context, c *ci.Client) error {
			_, err := c.GetOpenIdTokenForDeveloperIdentity(ctx, &ci.GetOpenIdTokenForDeveloperIdentityInput{
				IdentityPoolId: aws.String(pool), Logins: map[string]string{"login.example": "u"}, TokenDuration: aws.Int64(60)})
			return err
		},
		"ListIdentityPools": func(ctx context.Context, c *ci.Client) error {
			_, err := c.ListIdentityPools(ctx, &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(60)})
			return err
		},
		"SetIdentityPoolRoles": func(ctx context.Context, c *ci.Client) error {
			_, err := c.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: aws.String(pool), Roles: role})
			return err
		},
		"DeleteIdentities": func(ctx context.Context, c *ci.Client) error {
			_, err := c.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{identity}})
			return err
		},
		"GetPrincipalTagAttributeMap": func(ctx context.Context, c *ci.Client) error {
			_, err := c.GetPrincipalTagAttributeMap(ctx, &ci.GetPrincipalTagAttributeMapInput{IdentityPoolId: aws.String(pool), IdentityProviderName: aws.String("p")})
			return err
		},
		"ListIdentities": func(ctx context.Context, c *ci.Client) error {
			_, err := c.ListIdentities(ctx, &ci.ListIdentitiesInput{IdentityPoolId: aws.String(pool), MaxResults: aws.Int32(60)})
			return err
		},
		"ListTagsForResource": func(ctx context.Context, c *ci.Client) error {
			_, err := c.ListTagsForResource(ctx, &ci.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + pool)})
			return err
		},
		"LookupDeveloperIdentity": func(ctx context.Context, c *ci.Client) error {
			_, err := c.LookupDeveloperIdentity(ctx, &ci.LookupDeveloperIdentityInput{IdentityPoolId: aws.String(pool), IdentityId: aws.String(identity)})
			return err
		},
		"MergeDeveloperIdentities": func(ctx context.Context, c *ci.Client) error {
			_, err := c.MergeDeveloperIdentities(ctx, &ci.MergeDeveloperIdentitiesInput{IdentityPoolId: aws.String(pool), DeveloperProviderName: aws.String("d"), SourceUserIdentifier: aws.String("u"), DestinationUserIdentifier: aws.String("v")})
			return err
		},
		"SetPrincipalTagAttributeMap": func(ctx context.Context, c *ci.Client) error {
			_, err := c.SetPrincipalTagAttributeMap(ctx, &ci.SetPrincipalTagAttributeMapInput{IdentityPoolId: aws.String(pool), IdentityProviderName: aws.String("p")})
			return err
		},
		"TagResource": func(ctx context.Context, c *ci.Client) error {
			_, err := c.TagResource(ctx, &ci.TagResourceInput{ResourceArn: aws.String("arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + pool), Tags: map[string]string{"k": "v"}})
			return err
		},
		"UnlinkDeveloperIdentity": func(ctx context.Context, c *ci.Client) error {
			_, err := c.UnlinkDeveloperIdentity(ctx, &ci.UnlinkDeveloperIdentityInput{IdentityPoolId: aws.String(pool), DeveloperProviderName: aws.String("d"), IdentityId: aws.String(identity), DeveloperUserIdentifier: aws.String("u")})
			return err
		},
		"UntagResource": func(ctx context.Context, c *ci.Client) error {
			_, err := c.UntagResource(ctx, &ci.UntagResourceInput{ResourceArn: aws.String("arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + pool), TagKeys: []string{"k"}})
			return err
		},
		"UpdateIdentityPool": func(ctx context.Context, c *ci.Client) error {
			_, err := c.UpdateIdentityPool(ctx, &ci.UpdateIdentityPoolInput{IdentityPoolId: aws.String(pool), IdentityPoolName: aws.String("n")})
			return err
		},
	}
}

func TestSDKSigned(t *testing.T) {
	now := time.Now()
	sealed, session := issue(t, now)
	f := &fake{}
	endpoint := listen(t, guarded(f, awswire.Config{Callers: knownCallers(t), PoolOf: poolOf, Sessions: sealed, Now: func() time.Time { return now }}))
	people := []struct {
		name, code, message string
		credentials         aws.CredentialsProvider
	}{
		{"boss", "", "", credentials.NewStaticCredentialsProvider(accessKey("boss"), "SECRET-boss", "")},
		{"idle", cognito.CodeAccessDenied, "", credentials.NewStaticCredentialsProvider(accessKey("idle"), "SECRET-idle", "")},
		{"nobody", "UnrecognizedClientException", "The security token included in the request is invalid.", credentials.NewStaticCredentialsProvider("AKIDNOBODY", "x", "")},
		{"wrong secret", "InvalidSignatureException", "", credentials.NewStaticCredentialsProvider(accessKey("boss"), "x", "")},
		{"session", cognito.CodeAccessDenied, "", credentials.NewStaticCredentialsProvider(session.AccessKeyID, session.SecretAccessKey, session.SessionToken)},
		{"unsigned", "MissingAuthenticationTokenException", "Missing Authentication Token", aws.AnonymousCredentials{}},
	}
	calls := sdkCalls()
	for _, operation := range awswire.Served() {
		if awswire.AccessOf(operation) == awswire.Unsigned {
			continue
		}
		for _, who := range people {
			client := ci.New(ci.Options{Region: "eu-west-1", BaseEndpoint: aws.String(endpoint), Retryer: aws.NopRetryer{}, HTTPClient: http.DefaultClient, Credentials: who.credentials})
			if calls[operation] == nil {
				t.Fatalf("%s: no call of it here", operation)
			}
			f.calls = nil
			err := calls[operation](t.Context(), client)
			if who.code == "" {
				if err != nil || !slices.Equal(f.calls, []string{operation}) || f.by != who.name {
					t.Errorf("%s by %s: got %v, calls %v by %q", operation, who.name, err, f.calls, f.by)
				}
				continue
			}
			api, ok := errors.AsType[smithy.APIError](err)
			if !ok || api.ErrorCode() != who.code || who.message != "" && api.ErrorMessage() != who.message || len(f.calls) > 0 {
				t.Errorf("%s by %s: got %v, calls %v, want %s", operation, who.name, err, f.calls, who.code)
			}
			if r, ok := errors.AsType[*smithyhttp.ResponseError](err); !ok || r.HTTPStatusCode() != 400 {
				t.Errorf("%s by %s: got %v, want status 400", operation, who.name, err)
			}
		}
	}
}

// UnlinkIdentity is unsigned and has no output: the SDK takes the empty body.
func TestSDKUnlink(t *testing.T) {
	f := &fake{}
	_, err := client(t, f, false).UnlinkIdentity(t.Context(), &ci.UnlinkIdentityInput{
		IdentityId: aws.String(identity), Logins: map[string]string{"p": "t"}, LoginsToRemove: []string{"p"},
	})
	if err != nil || len(f.calls) != 1 {
		t.Errorf("got %v, calls %v, want one", err, f.calls)
	}
}

// Operations without an output answer with no body at all, the others with one.
func TestBodiesOfSuccess(t *testing.T) {
	silent := []string{"DeleteIdentityPool", "SetIdentityPoolRoles", "UnlinkDeveloperIdentity", "UnlinkIdentity"}
	for _, operation := range awswire.Served() {
		f := &fake{out: &ci.GetCredentialsForIdentityOutput{}}
		r := signing{}.sign(t, call(operation, fill(samples()[operation].body, pool, identity)))
		got := guarded(f, awswire.Config{Callers: knownCallers(t)}).Serve(t.Context(), r)
		if empty := len(got.Body) == 0; got.Status != 200 || empty != slices.Contains(silent, operation) {
			t.Errorf("%s: got %d %q", operation, got.Status, got.Body)
		}
	}
}
