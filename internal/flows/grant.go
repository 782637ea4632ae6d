package flows

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
)

// GrantRequest asks for the whole enhanced flow in one call.
type GrantRequest struct {
	Pool       string
	Logins     map[string]string
	IdentityID string // empty: the identity of the logins, or a new guest
	RoleARN    string // CustomRoleArn; empty: the pool's choice
}

// Grant is what one call brings.
type Grant struct {
	IdentityID   string
	Credentials  types.Credentials
	RefreshAfter time.Time
}

// Grant runs GetId, unless the identity is named, and GetCredentialsForIdentity.
// Errors are those of the two operations.
func (s *Service) Grant(ctx context.Context, r GrantRequest) (*Grant, error) {
	ask := askOf(ctx)
	ask.Pool = r.Pool
	ctx = WithAsk(ctx, ask)
	id := aws.String(r.IdentityID)
	if r.IdentityID == "" {
		got, err := s.GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(r.Pool), Logins: r.Logins})
		if err != nil {
			return nil, err
		}
		id = got.IdentityId
	}
	in := &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: id, Logins: r.Logins}
	if r.RoleARN != "" {
		in.CustomRoleArn = aws.String(r.RoleARN)
	}
	out, err := s.GetCredentialsForIdentity(ctx, in)
	if err != nil {
		return nil, err
	}
	if r.IdentityID == "" && len(r.Logins) == 0 {
		ask.Guard = nil // the next request of the same bytes is another guest
	}
	return &Grant{IdentityID: aws.ToString(out.IdentityId), Credentials: *out.Credentials, RefreshAfter: ask.RefreshAfter}, nil
}
