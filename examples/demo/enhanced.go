package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// rest exchanges the token for credentials in one call, and uses them.
func (w *walk) rest(ctx context.Context) (string, error) {
	g, err := w.exchange(ctx, "credentials", "", map[string]any{"logins": w.alice.logins()})
	if err != nil {
		return "", err
	}
	w.aliceID = g.IdentityID
	who, err := w.whoHas(ctx, g)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("one POST brought key %s… until %s; sts:GetCallerIdentity says %s",
		prefix(g.Credentials.AccessKeyID), g.Credentials.Expiration.Local().Format(time.TimeOnly), who), nil
}

// wire does the same with an unmodified SDK.
func (w *walk) wire(ctx context.Context) (string, error) {
	id, err := w.idOf(ctx, w.alice.logins())
	if err != nil {
		return "", err
	}
	if id != w.aliceID {
		return "", errors.New("the SDK got another identity than REST")
	}
	who, err := w.throughSDK(ctx, id, w.alice.logins())
	if err != nil {
		return "", err
	}
	return "the Go SDK's GetId and GetCredentialsForIdentity bring the same identity; it is " + who, nil
}

// cached asks once more.
func (w *walk) cached(ctx context.Context) (string, error) {
	g, err := w.exchange(ctx, "credentials", "", map[string]any{"logins": w.alice.logins()})
	if err != nil {
		return "", err
	}
	if g.cache != "hit" {
		return "", fmt.Errorf("got X-Cache: %s, want hit", g.cache)
	}
	return "asked again, the broker answers from its cache (X-Cache: hit)", nil
}

func (w *walk) idOf(ctx context.Context, logins map[string]string) (string, error) {
	out, err := w.cognito(nil).GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: &w.pool, Logins: logins})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.IdentityId), nil
}

// throughSDK gets an identity's credentials by the wire and tells whose they are.
func (w *walk) throughSDK(ctx context.Context, id string, logins map[string]string) (string, error) {
	out, err := w.cognito(nil).
		GetCredentialsForIdentity(ctx, &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
	if err != nil {
		return "", err
	}
	if got := aws.ToString(out.IdentityId); got != id {
		return "", errors.New("the credentials are of another identity than asked for")
	}
	c := out.Credentials
	return w.whoAmI(ctx, *c.AccessKeyId, *c.SecretKey, *c.SessionToken)
}

func prefix(s string) string { return s[:min(8, len(s))] }
