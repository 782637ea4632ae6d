package flows

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// GetCredentialsForIdentity answers from the cache when the asker proved a login
// of the identity (or holds a guest's id) and what is cached has his floor left;
// otherwise from an exchange that he shares with all who ask for the same.
func (s *Service) GetCredentialsForIdentity(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	if err := cognito.Check("GetCredentialsForIdentity", in); err != nil {
		return nil, err
	}
	ask := askOf(ctx)
	id := aws.ToString(in.IdentityId)
	pool, guest, known, err := s.Directory.Identity(ctx, id)
	if err != nil {
		return nil, err
	}
	if known && ask.Pool != "" && ask.Pool != pool {
		return nil, cognito.IdentityNotFound(id)
	}
	if !known {
		return s.pass(ctx, in, opts...)
	}
	sub, ok := s.identify(ctx, pool, guest, in)
	if !ok {
		return s.pass(ctx, in, opts...)
	}
	found, err := s.find(ctx, ask, sub, in)
	if err != nil {
		return nil, err
	}
	return output(found.Credentials), nil
}

// pass hands a call to the backend, uncached. The backend refuses what could not
// be proved; should it accept it after all, the call may have changed the
// identity, so what was cached for it ends.
func (s *Service) pass(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	out, err := s.Next.GetCredentialsForIdentity(ctx, in, opts...)
	s.observe(err)
	if err == nil && len(in.Logins) > 0 {
		s.Fence(cache.IdentityScope(aws.ToString(in.IdentityId)), cache.IdentityScope(aws.ToString(out.IdentityId)))
	}
	return out, err
}

// find returns an entry that may be handed to this asker, and notes in ask how
// it was come by.
func (s *Service) find(ctx context.Context, ask *Ask, sub subject, in *cognitoidentity.GetCredentialsForIdentityInput) (*cache.Entry, error) {
	now := s.Now()
	entry, ok := s.Memory.Get(sub.key)
	if !ok {
		s.Observer.Lookup("memory", "miss")
		fresh, err := s.exchange(ctx, sub, in)
		if err != nil {
			return nil, err
		}
		return s.hand(ask, sub, fresh, Miss), nil
	}
	floor := s.Floors.floor(sub.pool, ask, entry.Life())
	if entry.Credentials.Expires.Sub(now) >= floor {
		s.Observer.Lookup("memory", "hit")
		s.renewAhead(now, entry, sub, in)
		return s.hand(ask, sub, entry, Hit), nil
	}
	s.Observer.Lookup("memory", "low")
	if !entry.MayRetry(now) {
		return s.hand(ask, sub, entry, Stale), nil
	}
	fresh, err := s.exchange(ctx, sub, in)
	if err == nil {
		s.Observer.Renewal("ok")
		return s.hand(ask, sub, fresh, Miss), nil
	}
	s.failed(entry, sub, err, backOffWaiting)
	if cognito.Passing(err) && entry.Live(s.Now()) {
		return s.hand(ask, sub, entry, Stale), nil
	}
	return nil, err
}

// hand notes a hand-out.
func (s *Service) hand(ask *Ask, sub subject, e *cache.Entry, outcome Outcome) *cache.Entry {
	now := s.Now()
	floor := s.Floors.floor(sub.pool, ask, e.Life())
	e.HandedOut(now, floor)
	s.Observer.Remaining(e.Credentials.Expires.Sub(now))
	ask.Outcome = outcome
	ask.RefreshAfter = refreshAfter(e, floor)
	if outcome != Stale {
		ask.Guard = cache.NewGuard(e, floor, sub.proofs)
	}
	return e
}

// refreshAfter is when an asker should come back: when his floor is reached, or
// at once if it was already.
func refreshAfter(e *cache.Entry, floor time.Duration) time.Time {
	at := e.Credentials.Expires.Add(-floor)
	if at.Before(e.Issued) {
		return e.Issued
	}
	return at
}

func output(c cache.Credentials) *cognitoidentity.GetCredentialsForIdentityOutput {
	return &cognitoidentity.GetCredentialsForIdentityOutput{
		IdentityId: aws.String(c.IdentityID),
		Credentials: &types.Credentials{
			AccessKeyId:  aws.String(c.AccessKeyID),
			SecretKey:    aws.String(c.SecretKey),
			SessionToken: aws.String(c.SessionToken),
			Expiration:   aws.Time(c.Expires),
		},
	}
}
