package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// developerUser is a user whom only the backend knows.
const developerUser = "user-4711"

// cognitoLogin is the key in Logins of Cognito's own tokens.
const cognitoLogin = "cognito-identity.amazonaws.com"

// developer is a backend that gets its own user credentials with its API key.
func (w *walk) developer(ctx context.Context) (string, error) {
	g, err := w.exchange(
		ctx, "developer/credentials", w.backend.APIKey.Reveal(), map[string]any{"userIdentifier": developerUser},
	)
	if err != nil {
		return "", err
	}
	who, err := w.whoHas(ctx, g)
	if err != nil {
		return "", err
	}
	return "the backend's API key and its own user id bring credentials by one POST: " + sessionOf(who), nil
}

// developerWire does it the way of AWS: the backend signs for a token, the app
// passes it through for credentials.
func (w *walk) developerWire(ctx context.Context) (string, error) {
	out, err := w.cognito(w.backendKey()).
		GetOpenIdTokenForDeveloperIdentity(ctx, &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: &w.pool, Logins: map[string]string{w.developerProvider: developerUser},
		})
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.IdentityId)
	who, err := w.throughSDK(ctx, id, map[string]string{cognitoLogin: aws.ToString(out.Token)})
	if err != nil {
		return "", err
	}
	g, err := w.exchange(
		ctx, "developer/credentials", w.backend.APIKey.Reveal(), map[string]any{"userIdentifier": developerUser},
	)
	if err != nil {
		return "", err
	}
	if g.IdentityID != id {
		return "", errors.New("the SDK got another identity than REST")
	}
	return "signed by the SDK, GetOpenIdTokenForDeveloperIdentity brings the same identity a token, which buys " +
		sessionOf(who), nil
}
