package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go"
)

// admin lists the pools, signed by the SDK.
func (w *walk) admin(ctx context.Context) (string, error) {
	out, err := w.cognito(w.backendKey()).
		ListIdentityPools(ctx, &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(60)})
	if err != nil {
		return "", err
	}
	for _, p := range out.IdentityPools {
		if aws.ToString(p.IdentityPoolId) == w.pool {
			return fmt.Sprintf(
				"ListIdentityPools, signed with the caller's key, shows %d, %q among them", len(out.IdentityPools),
				aws.ToString(p.IdentityPoolName),
			), nil
		}
	}
	return "", fmt.Errorf("the pool is not among the %d listed", len(out.IdentityPools))
}

// refused shows that neither face serves a caller without a key.
func (w *walk) refused(ctx context.Context) (string, error) {
	const code = "MissingAuthenticationTokenException"
	_, err := w.exchange(ctx, "developer/credentials", "", map[string]any{"userIdentifier": developerUser})
	if err := refusedWith(err, http.StatusUnauthorized, code); err != nil {
		return "", fmt.Errorf("by REST: %w", err)
	}
	_, err = w.cognito(aws.AnonymousCredentials{}).
		ListIdentityPools(ctx, &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(1)})
	var wire smithy.APIError
	if !errors.As(err, &wire) || wire.ErrorCode() != code {
		return "", fmt.Errorf("by the wire: got %v, want %s", err, code)
	}
	return "without a key the backend's route and the admin's operation are shut: " + code, nil
}

// refusedWith is nil if err is the refusal that is wanted.
func refusedWith(err error, status int, code string) error {
	var p *problem
	if errors.As(err, &p) && p.Status == status && p.Code == code {
		return nil
	}
	if err == nil {
		return fmt.Errorf("was served, want %d %s", status, code)
	}
	return fmt.Errorf("got %w, want %d %s", err, status, code)
}
