package flows

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// GetId of one login that is proved here is answered from what is known of it. Others
// are never cached or shared: without logins each call is another person, who waits
// his turn among those of his address; with several the backend knows best.
//
// It may link a login only to an identity that another login of the same call
// already proved to own, or merge the identities of two; that is a change, and
// ends what was cached for them.
func (s *Service) GetId(ctx context.Context, in *cognitoidentity.GetIdInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.GetIdOutput, error) {
	if err := s.mayIdentify(in); err != nil {
		return nil, err
	}
	if sub, ok := s.identification(ctx, in); ok {
		id, known, err := s.identify(ctx, sub, false)
		if err != nil {
			return nil, err
		}
		askOf(ctx).Outcome = Miss
		if known {
			askOf(ctx).Outcome = Hit
		}
		return &cognitoidentity.GetIdOutput{IdentityId: aws.String(id)}, nil
	}
	return s.getID(ctx, in, opts...)
}

// mayIdentify refuses what needs no answer of the backend.
func (s *Service) mayIdentify(in *cognitoidentity.GetIdInput) error {
	if err := cognito.Check("GetId", in); err != nil {
		return err
	}
	if !s.serves(*in.IdentityPoolId) {
		return cognito.PoolNotFound(*in.IdentityPoolId)
	}
	return nil
}

// getID asks the backend.
func (s *Service) getID(ctx context.Context, in *cognitoidentity.GetIdInput, opts ...options) (*cognitoidentity.GetIdOutput, error) {
	if len(in.Logins) == 0 {
		if err := s.guestTurn(ctx, *in.IdentityPoolId); err != nil {
			return nil, err
		}
	}
	release, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	at := s.stakeOf(ctx, *in.IdentityPoolId, "", in.Logins)
	call := func(ctx context.Context) (*cognitoidentity.GetIdOutput, error) {
		out, err := s.Next.GetId(ctx, in, opts...)
		if err == nil {
			s.owned(ctx, *in.IdentityPoolId, aws.ToString(out.IdentityId), at.logins)
		}
		if err == nil && in.AccountId != nil {
			s.accounts.Store(strings.Clone(*in.IdentityPoolId), strings.Clone(*in.AccountId))
		}
		return out, err
	}
	turn := func() error { return s.turnUncached(ctx, place{pool: *in.IdentityPoolId}, "", in.Logins, at.logins) }
	out, err := linking(ctx, s, len(in.Logins) > 1, at, in, turn, call)
	if err != nil {
		return nil, err
	}
	if len(in.Logins) < 2 {
		return out, nil
	}
	ended := append(scopesOf(cognito.Merged(out.ResultMetadata)), cache.IdentityScope(aws.ToString(out.IdentityId)))
	return withheld(out, s.endAll(ctx, ended))
}

// UnlinkIdentity ends what was cached for the identity. Where pools are listed it
// must be of one of them, as far as is known.
func (s *Service) UnlinkIdentity(ctx context.Context, in *cognitoidentity.UnlinkIdentityInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.UnlinkIdentityOutput, error) {
	if err := cognito.Check("UnlinkIdentity", in); err != nil {
		return nil, err
	}
	p, err := s.met(ctx, *in.IdentityId)
	if err != nil {
		return nil, err
	}
	release, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	proven, vain := s.proven(ctx, in.Logins)
	at := stake{identity: *in.IdentityId, by: proven, vain: vain}
	out, err := alter(ctx, s, at, in, func(ctx context.Context) (*cognitoidentity.UnlinkIdentityOutput, error) {
		return s.Next.UnlinkIdentity(ctx, in, opts...)
	})
	s.refused(ctx, p, *in.IdentityId, in.Logins, err)
	return out, err
}

// DescribeIdentity asks the backend about an identity of a pool that is served.
func (s *Service) DescribeIdentity(ctx context.Context, in *cognitoidentity.DescribeIdentityInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.DescribeIdentityOutput, error) {
	if err := cognito.Check("DescribeIdentity", in); err != nil {
		return nil, err
	}
	if _, err := s.locate(ctx, *in.IdentityId); err != nil {
		return nil, err
	}
	return through(ctx, s, in, s.Next.DescribeIdentity, opts)
}

// Purge ends what was cached for an identity of the pool. One that is not known
// here is purged as well, for what was cached may have come from elsewhere; the
// backend then tells whether it exists, if it can.
func (s *Service) Purge(ctx context.Context, pool, id string) error {
	in := &cognitoidentity.DescribeIdentityInput{IdentityId: aws.String(id)}
	if err := cognito.Check("DescribeIdentity", in); err != nil {
		return err
	}
	if !s.serves(pool) {
		return cognito.PoolNotFound(pool)
	}
	askOf(ctx).Pool = pool
	p, err := s.locate(ctx, id)
	if err != nil {
		return err
	}
	if err := s.Fence(ctx, cache.IdentityScope(id)); err != nil {
		return err
	}
	if p.known {
		return nil
	}
	if _, err := s.DescribeIdentity(ctx, in); err != nil && !cognito.Passing(err) {
		return err
	}
	return nil
}
