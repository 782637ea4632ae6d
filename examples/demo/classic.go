package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/coreos/go-oidc/v3/oidc"
)

// openIDToken gets Cognito's own token for alice, and lets go-oidc verify it as
// any relying party would: by the issuer's discovery document and keys.
func (w *walk) openIDToken(ctx context.Context) (string, error) {
	out, err := w.cognito(nil).
		GetOpenIdToken(ctx, &cognitoidentity.GetOpenIdTokenInput{IdentityId: &w.aliceID, Logins: w.alice.logins()})
	if err != nil {
		return "", err
	}
	w.openID = aws.ToString(out.Token)
	issuer, err := oidc.NewProvider(ctx, w.issuer)
	if err != nil {
		return "", err
	}
	token, err := issuer.Verifier(&oidc.Config{ClientID: w.pool}).Verify(ctx, w.openID)
	if err != nil {
		return "", err
	}
	if token.Subject != w.aliceID {
		return "", errors.New("the token is of another identity")
	}
	return fmt.Sprintf(
		"GetOpenIdToken's token passes go-oidc through the discovery of %s: alice's identity, for the pool", w.issuer,
	), nil
}

// classic is the whole classic flow in one call.
func (w *walk) classic(ctx context.Context) (string, error) {
	g, err := w.exchange(ctx, "credentials", "", map[string]any{
		"logins": w.alice.logins(), "flow": "classic", "roleArn": w.users, "roleSessionName": "classic-demo",
	})
	if err != nil {
		return "", err
	}
	who, err := w.whoHas(ctx, g)
	if err != nil {
		return "", err
	}
	return "one POST with a role of alice's choice and a session's name: " + sessionOf(who), nil
}

// token hands the OpenID token to the SDK's provider.
type token string

// GetIdentityToken is stscreds.IdentityTokenRetriever.
func (t token) GetIdentityToken() ([]byte, error) { return []byte(t), nil }

// classicSDK lets the SDK's own provider trade the OpenID token at the broker's
// STS.
func (w *walk) classicSDK(ctx context.Context) (string, error) {
	provider := stscreds.NewWebIdentityRoleProvider(w.sts(aws.AnonymousCredentials{}), w.users, token(w.openID),
		func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = "sdk-demo" })
	c, err := provider.Retrieve(ctx)
	if err != nil {
		return "", err
	}
	who, err := w.whoAmI(ctx, c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	if err != nil {
		return "", err
	}
	return "the Go SDK's WebIdentityRoleProvider assumes the role with that token: " + sessionOf(who), nil
}
