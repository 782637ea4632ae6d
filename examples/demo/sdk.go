package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// cognito is the SDK's client with one thing changed: its endpoint. Apps sign
// nothing, so who is nil for them.
func (w *walk) cognito(who aws.CredentialsProvider) *cognitoidentity.Client {
	return cognitoidentity.New(cognitoidentity.Options{Region: w.region, BaseEndpoint: &w.url, Credentials: who})
}

func (w *walk) sts(who aws.CredentialsProvider) *sts.Client {
	return sts.New(sts.Options{Region: w.region, BaseEndpoint: &w.url, Credentials: who})
}

// backendKey is the backend's own access key, known to the broker alone.
func (w *walk) backendKey() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(w.backend.AccessKeyID, w.backend.SecretAccessKey.Reveal(), "")
}

// whoAmI uses credentials: the SDK signs sts:GetCallerIdentity with them.
func (w *walk) whoAmI(ctx context.Context, key, secret, session string) (string, error) {
	out, err := w.sts(credentials.NewStaticCredentialsProvider(key, secret, session)).
		GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Arn), nil
}

// whoHas uses the credentials of a grant.
func (w *walk) whoHas(ctx context.Context, g *grant) (string, error) {
	return w.whoAmI(ctx, g.Credentials.AccessKeyID, g.Credentials.SecretAccessKey, g.Credentials.SessionToken)
}

// sessionOf cuts an ARN down to role and session.
func sessionOf(arn string) string {
	_, session, _ := strings.Cut(arn, "assumed-role/")
	return session
}
