package flows

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// GetOpenIdToken is never cached: a token speaks for its bearer. It may link a
// login, and ends what was cached for the identity then.
func (s *Service) GetOpenIdToken(
	ctx context.Context, in *ci.GetOpenIdTokenInput, _ ...options,
) (*ci.GetOpenIdTokenOutput, error) {
	if err := cognito.Check("GetOpenIdToken", in); err != nil {
		return nil, err
	}
	out, err := s.openIDToken(ctx, *in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	// The answer may have told the pool: a token of one that is not served, or
	// that it did not tell, goes to nobody.
	loc, err := s.locate(ctx, aws.ToString(out.IdentityId))
	if err != nil {
		return nil, err
	}
	if !loc.known && len(s.Pools) > 0 {
		return nil, cognito.IdentityNotFound(*in.IdentityId)
	}
	return out, nil
}

func (s *Service) openIDToken(
	ctx context.Context, id string, logins map[string]string,
) (*ci.GetOpenIdTokenOutput, error) {
	loc, err := s.locate(ctx, id)
	if err != nil {
		return nil, err
	}
	release, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	in := &ci.GetOpenIdTokenInput{IdentityId: aws.String(id), Logins: logins}
	affected := s.fenceScopesOf(ctx, cmp.Or(loc.pool, callInfoOf(ctx).Pool), id, logins)
	call := func(ctx context.Context) (*ci.GetOpenIdTokenOutput, error) {
		out, err := s.Next.GetOpenIdToken(ctx, in)
		if err == nil && loc.known {
			s.recordOwner(ctx, loc.pool, aws.ToString(out.IdentityId), affected.logins)
		}
		return out, err
	}
	turn := func() error { return s.takePermitUncached(ctx, loc, id, logins, affected.logins) }
	out, err := callThatMayLink(ctx, s, loc.links(logins), affected, in, turn, call)
	if err != nil {
		s.endDisowned(ctx, affected, err)
		return nil, err
	}
	ended := scopesOf(cognito.Merged(out.ResultMetadata))
	if answered := aws.ToString(out.IdentityId); answered != id {
		ended = append(ended, cache.IdentityScope(id)) // is somebody else now
		if loc.links(logins) {
			ended = append(ended, cache.IdentityScope(answered))
		}
	}
	return unlessFailed(out, s.endScopes(ctx, ended))
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
	release, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	logins := s.developerLogins(ctx, in)
	links := in.IdentityId != nil || len(in.Logins) > 1
	call := func(ctx context.Context) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
		out, err := s.Next.GetOpenIdTokenForDeveloperIdentity(ctx, in, opts...)
		if err == nil {
			s.recordOwner(ctx, *in.IdentityPoolId, aws.ToString(out.IdentityId), logins)
		}
		return out, err
	}
	affected := fenceScopes{pool: *in.IdentityPoolId, identity: aws.ToString(in.IdentityId), logins: logins, trusted: true}
	affected.futile = affected.identity != "" && s.inOtherPool(ctx, affected.pool, affected.identity)
	var out *ci.GetOpenIdTokenForDeveloperIdentityOutput
	if links {
		out, err = attemptChange(ctx, s, affected, in, call)
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
	return unlessFailed(out, s.endScopes(ctx, ended))
}

// developerLogins are the logins of a developer call. The backend's own user is
// whichever cannot be proved here.
func (s *Service) developerLogins(ctx context.Context, in *ci.GetOpenIdTokenForDeveloperIdentityInput) []login {
	logins, _ := s.proven(ctx, in.Logins)
	for provider, user := range in.Logins {
		if !s.Prover.Known(provider) {
			logins = append(logins, userOf(*in.IdentityPoolId, provider, user))
		}
	}
	return logins
}
