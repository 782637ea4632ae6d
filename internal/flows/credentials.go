package flows

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// GetCredentialsForIdentity answers from the cache when the asker proved a login
// of the identity (or holds a guest's id) and what is cached has his floor left;
// otherwise from an exchange that he shares with all who ask for the same.
func (s *Service) GetCredentialsForIdentity(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, opts ...options) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	if err := cognito.Check("GetCredentialsForIdentity", in); err != nil {
		return nil, err
	}
	p, err := s.find(ctx, *in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	if !p.known {
		return s.pass(ctx, p, in, opts...)
	}
	sub, ok := s.subject(ctx, p, request{Flow: flowEnhanced, Identity: *in.IdentityId, Logins: in.Logins, Role: aws.ToString(in.CustomRoleArn)})
	if !ok {
		return s.pass(ctx, p, in, opts...)
	}
	found, err := s.serve(ctx, sub)
	if err != nil {
		return nil, err
	}
	return output(found.Credentials), nil
}

// pass hands a call to the backend, uncached: it judges what could not be proved
// here.
func (s *Service) pass(ctx context.Context, p place, in *cognitoidentity.GetCredentialsForIdentityInput, opts ...options) (out *cognitoidentity.GetCredentialsForIdentityOutput, err error) {
	r := request{Flow: flowEnhanced, Identity: *in.IdentityId, Logins: in.Logins, Role: aws.ToString(in.CustomRoleArn)}
	_, err = s.uncached(ctx, p, r, func(ctx context.Context) (answer, error) {
		out, err = s.Next.GetCredentialsForIdentity(ctx, in, opts...)
		s.observe(flowEnhanced, err)
		if err != nil {
			return answer{}, err
		}
		if p.known {
			err = s.confirm(ctx, p.pool, cache.CredentialsScope(p.pool))
		}
		return answer{
			credentials: cache.Credentials{IdentityID: aws.ToString(out.IdentityId)},
			merged:      scopesOf(cognito.Merged(out.ResultMetadata)),
		}, err
	})
	return out, err
}

// serve returns an entry that may be handed to this asker, and notes in his Ask
// how it was come by.
func (s *Service) serve(ctx context.Context, sub subject) (*cache.Entry, error) {
	ask, now := askOf(ctx), s.Now()
	enough := func(e *cache.Entry) bool {
		return e.Credentials.Expires.Sub(now) >= s.Floors.floor(sub.Pool, ask, e.Life())
	}
	entry := s.look(ctx, &sub, enough)
	if entry == nil {
		entry = s.resumed(ctx, &sub)
	}
	if entry == nil {
		fresh, known, err := s.unsuspended(ctx, sub)
		switch {
		case err != nil:
			return nil, err
		case known && !enough(fresh):
			return s.hand(ask, sub, fresh, Stale), nil // the backend gave nothing better
		case known:
			return s.hand(ask, sub, fresh, Hit), nil
		}
		return s.hand(ask, sub, fresh, Miss), nil
	}
	if enough(entry) {
		s.renewAhead(now, entry, sub)
		return s.hand(ask, sub, entry, Hit), nil
	}
	if entry.ExchangesBlocked(now) {
		return s.hand(ask, sub, entry, Stale), nil
	}
	sub.old = entry
	fresh, err := s.exchange(ctx, sub)
	if err == nil {
		s.Observer.Renewal("ok")
		return s.hand(ask, sub, fresh, Miss), nil
	}
	s.failed(ctx, entry, sub, err)
	if cognito.Passing(err) && entry.Stands(s.Now()) {
		return s.hand(ask, sub, entry, Stale), nil
	}
	return nil, err
}

// look is the best entry that there is for an asker. The fleet is asked where this
// broker has none, or none that is enough for him.
func (s *Service) look(ctx context.Context, sub *subject, enough func(*cache.Entry) bool) *cache.Entry {
	outcome := func(e *cache.Entry) string {
		if enough(e) {
			return "hit"
		}
		return "low"
	}
	entry, ok := s.Memory.Get(sub.key)
	if !ok {
		s.Observer.Lookup("memory", "miss")
		entry = nil
	} else if s.Observer.Lookup("memory", outcome(entry)); enough(entry) {
		return entry
	}
	found := s.fromFleet(ctx, sub)
	if found == nil {
		return entry
	}
	s.Observer.Lookup("redis", outcome(found))
	return found
}

// fromFleet looks for an entry that another broker may have brought, and learns
// the epochs under which an exchange may be stored.
func (s *Service) fromFleet(ctx context.Context, sub *subject) *cache.Entry {
	if s.Shared == nil {
		return nil
	}
	entry, err := s.shared(ctx, sub)
	if err != nil {
		s.Observer.Lookup("redis", "failed")
	} else if entry == nil {
		s.Observer.Lookup("redis", "miss")
	}
	return entry
}

// shared is what the fleet has for a call, or nil. It fails with cache.ErrFleet.
func (s *Service) shared(ctx context.Context, sub *subject) (*cache.Entry, error) {
	sub.fenced = false
	if s.Shared == nil {
		return nil, nil
	}
	found, err := s.Shared.Find(ctx, sub.key, sub.stamp, s.Epochs.Read, sub.namesPool())
	if err != nil {
		return nil, err
	}
	sub.stamp, sub.fenced, sub.unmet = found.Stamp, found.Fenced, found.Unmet
	if found.Entry == nil || !found.Entry.Stands(s.Now()) {
		return nil, nil
	}
	return s.adopt(sub.key, found.Entry), nil
}

// adopt keeps an entry of the fleet in memory too, and returns the one that all
// askers here share.
func (s *Service) adopt(key cache.Key, found *cache.Entry) *cache.Entry {
	s.Memory.Put(key, found)
	if entry, ok := s.Memory.Get(key); ok {
		return entry
	}
	return found
}

// spot is where the fleet keeps an entry.
func (s *Service) spot(e *cache.Entry, key cache.Key) cache.EntryRef {
	if s.Shared == nil {
		return nil
	}
	return s.Shared.Ref(key, e.Stamp)
}

// hand notes a hand-out.
func (s *Service) hand(ask *Ask, sub subject, e *cache.Entry, outcome Outcome) *cache.Entry {
	now := s.Now()
	floor := s.Floors.floor(sub.Pool, ask, e.Life())
	e.RecordServe(now, floor)
	s.Observer.Remaining(e.Credentials.Expires.Sub(now))
	ask.Outcome = outcome
	ask.RefreshAfter = e.RefreshAfter(floor)
	if outcome != Stale {
		ask.Guard = &cache.MemoCondition{Entry: e, Floor: floor, Proofs: sub.proofs, Ref: s.spot(e, sub.key), Renewed: sub.renewable}
	}
	s.schedule(e, sub)
	return e
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
