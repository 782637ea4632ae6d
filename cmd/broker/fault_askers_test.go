package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// warmed has users served by every flow, and returns their questions: the same
// bytes again, and the same users with fresh tokens.
func warmed(t *testing.T, b *instance) func(t *testing.T) []question {
	t.Helper()
	first := b.login(t, "warm")
	id := settled(t, func() (string, error) { return b.getID(t.Context(), demoPool, first) })
	guest := settled(t, func() (string, error) { return b.getID(t.Context(), demoPool, nil) })
	by := func(user map[string]string) []question {
		return []question{
			b.onWire("enhanced", "GetCredentialsForIdentity", map[string]any{"IdentityId": id, "Logins": user}),
			b.onREST("enhanced", "credentials", map[string]any{"identityId": id, "logins": user}),
			b.onREST("classic", "credentials", map[string]any{"identityId": id, "logins": user, "flow": "classic", "roleArn": authRole}),
			b.onREST("developer", "developer/credentials", map[string]any{"userIdentifier": "warm"}, bearer(backendAPIKey)...),
			b.onWire("guest", "GetCredentialsForIdentity", map[string]any{"IdentityId": guest}),
			b.onREST("guest", "credentials", map[string]any{"identityId": guest}),
		}
	}
	for _, q := range by(first) {
		if r, err := q.settled(t.Context()); err != nil || r.status != http.StatusOK {
			t.Fatalf("to warm %s: got %+v %v", q.name, r, err)
		}
	}
	return func(t *testing.T) []question { return append(by(first), by(b.login(t, "warm"))...) }
}

// strangers are questions that nothing cached answers, of users of this name.
func strangers(t *testing.T, b *instance, name string) []question {
	t.Helper()
	known, unknown := b.login(t, name+" known"), b.login(t, name+" unknown")
	id := settled(t, func() (string, error) { return b.getID(t.Context(), demoPool, known) })
	other := settled(t, func() (string, error) { return b.behind.getID(t.Context(), demoPool, unknown) })
	token := settled(t, func() (*cognitoidentity.GetOpenIdTokenOutput, error) {
		return b.behind.sdk().GetOpenIdToken(t.Context(), &cognitoidentity.GetOpenIdTokenInput{IdentityId: &id, Logins: known})
	})
	user := func(n int) map[string]string { return b.login(t, fmt.Sprint(name, n)) }
	return []question{
		b.onWire("GetId", "GetId", map[string]any{"IdentityPoolId": demoPool, "Logins": user(1)}),
		b.onWire("GetId of a guest", "GetId", map[string]any{"IdentityPoolId": demoPool}),
		b.onWire("enhanced", "GetCredentialsForIdentity", map[string]any{"IdentityId": id, "Logins": known}),
		b.onWire("enhanced, an identity not met", "GetCredentialsForIdentity", map[string]any{"IdentityId": other, "Logins": unknown}),
		b.onWire("GetOpenIdToken", "GetOpenIdToken", map[string]any{"IdentityId": id, "Logins": known}),
		b.onSTS(*token.Token),
		b.onREST("enhanced", "credentials", map[string]any{"logins": user(2)}),
		b.onREST("a guest", "credentials", map[string]any{}),
		b.onREST("classic", "credentials", map[string]any{"identityId": id, "logins": known, "flow": "classic", "roleArn": authRole}),
		b.onREST("identities", "identities", map[string]any{"logins": user(3)}),
		b.onREST("token", "token", map[string]any{"identityId": id, "logins": known}),
		b.onREST("link", "logins/link", map[string]any{"identityId": id, "logins": known}),
		b.onREST("developer", "developer/credentials", map[string]any{"userIdentifier": name}, bearer(backendAPIKey)...),
		b.onREST("developer token", "developer/token", map[string]any{"userIdentifier": name}, bearer(backendAPIKey)...),
		bySDK("ListIdentityPools", func(ctx context.Context) error {
			_, err := b.sdkAs(admin()).ListIdentityPools(ctx, &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(60)})
			return err
		}),
		bySDK("DescribeIdentity", func(ctx context.Context) error {
			_, err := b.sdkAs(admin()).DescribeIdentity(ctx, &cognitoidentity.DescribeIdentityInput{IdentityId: &id})
			return err
		}),
		bySDK("GetOpenIdTokenForDeveloperIdentity", func(ctx context.Context) error {
			_, err := b.sdkAs(backendCaller()).GetOpenIdTokenForDeveloperIdentity(ctx, &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
				IdentityPoolId: aws.String(demoPool), Logins: map[string]string{"login.example": name},
			})
			return err
		}),
	}
}
