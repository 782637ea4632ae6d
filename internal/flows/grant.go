package flows

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// GrantRequest asks for a whole flow in one call.
type GrantRequest struct {
	Pool       string
	Logins     map[string]string
	IdentityID string // empty: the identity of the logins, or a new guest
	RoleARN    string // enhanced flow: CustomRoleArn; empty: the pool's choice
	Classic    *Classic
}

// Classic is what an app chooses for itself in the classic flow.
type Classic struct {
	RoleARN     string
	SessionName string        // empty: DefaultSessionName
	Duration    time.Duration // zero: an hour
}

// DefaultSessionName names sessions whose client did not care, as the JavaScript SDK does.
const DefaultSessionName = "web-identity"

// Grant is what one call brings.
type Grant struct {
	IdentityID   string
	Credentials  cache.Credentials
	RefreshAfter time.Time
}

// Grant runs GetId, unless the identity is named, and the enhanced or the classic
// exchange. Errors are those of the operations and, in the classic flow, of STS.
func (s *Service) Grant(ctx context.Context, r GrantRequest) (*Grant, error) {
	info := callInfoOf(ctx)
	info.Pool = r.Pool
	ctx = WithCallInfo(ctx, info)
	id, known, err := s.resolveIdentity(ctx, r, false)
	if err != nil {
		return nil, err
	}
	c, err := s.grant(ctx, id, r)
	if known && err != nil && cognito.Disowned(err) {
		// What was known of the login is out of date.
		if id, _, err = s.resolveIdentity(ctx, r, true); err == nil {
			c, err = s.grant(ctx, id, r)
		}
	}
	if err != nil {
		return nil, err
	}
	if r.IdentityID == "" && len(r.Logins) == 0 {
		info.Condition = nil // the next request of the same bytes is another guest
	}
	return &Grant{IdentityID: c.IdentityID, Credentials: c, RefreshAfter: info.RefreshAfter}, nil
}

// resolveIdentity is the identity that a request names, or that its logins have, or a new
// guest's. known says that it is of a login of which it was known; with anew the
// backend is asked.
func (s *Service) resolveIdentity(ctx context.Context, r GrantRequest, anew bool) (id string, known bool, err error) {
	if r.IdentityID != "" {
		return r.IdentityID, false, nil
	}
	in := &ci.GetIdInput{IdentityPoolId: aws.String(r.Pool), Logins: r.Logins}
	if err := s.checkGetId(in); err != nil {
		return "", false, err
	}
	if q, ok := s.queries.identityQuery(ctx, in); ok {
		return s.server.identify(ctx, q, anew)
	}
	got, err := s.uncached.getID(ctx, in)
	if err != nil {
		return "", false, err
	}
	return aws.ToString(got.IdentityId), false, nil
}

func (s *Service) grant(ctx context.Context, id string, r GrantRequest) (cache.Credentials, error) {
	loc, err := s.uncached.locateServed(ctx, id, r.Logins)
	if err != nil {
		return cache.Credentials{}, err
	}
	call := request{Flow: flowEnhanced, Identity: id, Logins: r.Logins, Role: r.RoleARN}
	if c := r.Classic; c != nil {
		call.Flow, call.Role, call.Session, call.Duration = flowClassic, c.RoleARN, c.SessionName, c.Duration
	}
	q, ok := s.queries.query(ctx, loc, call)
	if loc.known && ok {
		entry, err := s.server.entryFor(ctx, q)
		if err != nil {
			return cache.Credentials{}, err
		}
		return entry.Credentials, nil
	}
	return s.uncached.grantUncached(ctx, loc, r.Pool, call)
}

// Link links the logins of a call to an identity that one of them proves, or that
// is a guest's, by the exchange that an app makes anyway: linking is what it does
// beside bringing credentials. A pool without a role still links, by its token.
func (s *Service) Link(ctx context.Context, pool, id string, logins map[string]string) (string, error) {
	if len(logins) == 0 {
		return "", cognito.InvalidParameter("logins must name at least one login.")
	}
	callInfoOf(ctx).Pool = pool
	out, err := s.GetCredentialsForIdentity(
		ctx, &ci.GetCredentialsForIdentityInput{IdentityId: aws.String(id), Logins: logins},
	)
	if err == nil {
		return aws.ToString(out.IdentityId), nil
	}
	if cognito.Public(err).ErrorCode() != "InvalidIdentityPoolConfigurationException" {
		return "", err
	}
	token, failed := s.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: aws.String(id), Logins: logins})
	if failed != nil {
		return "", err
	}
	return aws.ToString(token.IdentityId), nil
}
