package flows

import (
	"context"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/logins"
)

// DeveloperRequest asks for a backend's own user. The caller has proved that he
// may speak for any user of the pool.
type DeveloperRequest struct {
	Pool       string
	User       string            // the backend's identifier of its user
	IdentityID string            // empty: the user's identity, or a new one
	Logins     map[string]string // public logins beside the user
	Tags       map[string]string // principal tags
	Duration   time.Duration     // of the token; zero: 15 minutes
}

// TokenGrant is an OpenID token and when it expires.
type TokenGrant struct {
	IdentityID string
	Token      string
	Expires    time.Time // as the token states
}

// Token is GetOpenIdToken for an identity of the pool.
func (s *Service) Token(ctx context.Context, pool, id string, tokens map[string]string) (*TokenGrant, error) {
	callInfoOf(ctx).Pool = pool
	out, err := s.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: aws.String(id), Logins: tokens})
	if err != nil {
		return nil, err
	}
	return tokenGrant(out.IdentityId, out.Token), nil
}

// DeveloperToken is GetOpenIdTokenForDeveloperIdentity, with the pool's developer
// provider filled in.
func (s *Service) DeveloperToken(ctx context.Context, r DeveloperRequest) (*TokenGrant, error) {
	call, err := s.developerRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	out, err := s.GetOpenIdTokenForDeveloperIdentity(ctx, call.developerInput())
	if err != nil {
		return nil, err
	}
	return tokenGrant(out.IdentityId, out.Token), nil
}

func tokenGrant(id, token *string) *TokenGrant {
	expires, _, _ := logins.StatedExpiry(aws.ToString(token)) // of the backend's own answer
	return &TokenGrant{IdentityID: aws.ToString(id), Token: aws.ToString(token), Expires: expires}
}

// developerRequest makes the call that was asked for, and checks it.
func (s *Service) developerRequest(ctx context.Context, r DeveloperRequest) (request, error) {
	provider, err := s.DeveloperProvider(ctx, r.Pool)
	if err != nil {
		return request{}, err
	}
	if _, ok := r.Logins[provider]; ok {
		return request{}, cognito.InvalidParameter("logins names the developer provider; userIdentifier does.")
	}
	call := request{
		Flow: flowDeveloper, Pool: r.Pool, Identity: r.IdentityID, Logins: maps.Clone(r.Logins),
		Provider: provider, User: r.User, Tags: maps.Clone(r.Tags), Duration: r.Duration,
	}
	return call, cognito.Check("GetOpenIdTokenForDeveloperIdentity", call.developerInput())
}

// DeveloperGrant runs the enhanced developer flow in one call: the token, and
// the credentials that it buys.
func (s *Service) DeveloperGrant(ctx context.Context, r DeveloperRequest) (*Grant, error) {
	call, err := s.developerRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	info := callInfoOf(ctx)
	info.Pool = r.Pool
	met := true // an identity that nobody has met may not exist: nothing is kept for it yet
	if r.IdentityID != "" {
		loc, err := s.locate(ctx, r.IdentityID)
		if err != nil {
			return nil, err
		}
		met = loc.known
	}
	q, ok := s.queries.developer(ctx, call)
	if !ok || !met {
		got, err := s.uncached.developerUncached(ctx, q)
		if err != nil {
			return nil, err
		}
		return &Grant{IdentityID: got.credentials.IdentityID, Credentials: got.credentials,
			RefreshAfter: s.uncached.refreshUncached(r.Pool, info, got.credentials)}, nil
	}
	entry, err := s.server.entryFor(ctx, q)
	if err != nil {
		return nil, err
	}
	info.Condition = nil // the caller's right to ask is no part of the body
	return &Grant{
		IdentityID: entry.Credentials.IdentityID, Credentials: entry.Credentials, RefreshAfter: info.RefreshAfter,
	}, nil
}

// GetOpenIdTokenForDeveloperIdentity is never cached. It may link the backend's
// user, or public logins beside him, and ends what was cached for the identity
// then.
func (s *Service) GetOpenIdTokenForDeveloperIdentity(
	ctx context.Context, in *ci.GetOpenIdTokenForDeveloperIdentityInput, opts ...options,
) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	if err := cognito.Check("GetOpenIdTokenForDeveloperIdentity", in); err != nil {
		return nil, err
	}
	if !s.serves(*in.IdentityPoolId) {
		return nil, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	logins := s.developerLogins(ctx, in) // without a place: that may take long
	release, err := s.calls.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	links := in.IdentityId != nil || len(in.Logins) > 1
	call := func(ctx context.Context) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
		out, err := s.Next.GetOpenIdTokenForDeveloperIdentity(ctx, in, opts...)
		if err == nil {
			s.owners.recordOwner(ctx, *in.IdentityPoolId, aws.ToString(out.IdentityId), logins)
		}
		return out, err
	}
	affected := fenceScopes{pool: *in.IdentityPoolId, identity: aws.ToString(in.IdentityId), logins: logins, trusted: true}
	affected.futile = affected.identity != "" && s.owners.inOtherPool(ctx, affected.pool, affected.identity)
	var out *ci.GetOpenIdTokenForDeveloperIdentityOutput
	if links {
		out, err = attemptChange(ctx, s.fences, affected, in, call)
	} else {
		out, err = call(ctx)
	}
	if err != nil {
		return nil, err
	}
	ended := scopesOf(cognito.Merged(out.ResultMetadata))
	if answered := aws.ToString(out.IdentityId); len(in.Logins) > 1 && answered != aws.ToString(in.IdentityId) {
		ended = append(ended, cache.IdentityScope(answered))
	}
	return unlessFailed(out, s.fences.Fence(ctx, ended...))
}

// developerLogins are the logins of a developer call. The backend's own user is
// whichever cannot be proved here.
func (s *Service) developerLogins(ctx context.Context, in *ci.GetOpenIdTokenForDeveloperIdentityInput) []login {
	logins, _, _ := s.owners.proven(ctx, in.Logins) // a caller has no limit
	for provider, user := range in.Logins {
		if !s.Prover.Known(provider) {
			logins = append(logins, userOf(*in.IdentityPoolId, provider, user))
		}
	}
	return logins
}
