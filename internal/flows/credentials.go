package flows

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// GetCredentialsForIdentity answers from the cache when the client proved a login
// of the identity (or holds a guest's id) and what is cached has his floor left;
// otherwise from an exchange that he shares with all who ask for the same.
func (s *Service) GetCredentialsForIdentity(
	ctx context.Context, in *ci.GetCredentialsForIdentityInput, opts ...options,
) (*ci.GetCredentialsForIdentityOutput, error) {
	if err := cognito.Check("GetCredentialsForIdentity", in); err != nil {
		return nil, err
	}
	loc, err := s.locateServed(ctx, *in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	if !loc.known {
		return s.pass(ctx, loc, in, opts...)
	}
	q, ok := s.query(
		ctx, loc,
		request{Flow: flowEnhanced, Identity: *in.IdentityId, Logins: in.Logins, Role: aws.ToString(in.CustomRoleArn)},
	)
	if !ok {
		return s.pass(ctx, loc, in, opts...)
	}
	found, err := s.entryFor(ctx, q)
	if err != nil {
		return nil, err
	}
	return output(found.Credentials), nil
}

// pass hands a call to the backend, uncached: it judges what could not be proved
// here.
func (s *Service) pass(
	ctx context.Context, loc location, in *ci.GetCredentialsForIdentityInput, opts ...options,
) (out *ci.GetCredentialsForIdentityOutput, err error) {
	r := request{Flow: flowEnhanced, Identity: *in.IdentityId, Logins: in.Logins, Role: aws.ToString(in.CustomRoleArn)}
	_, err = s.uncached(ctx, loc, r, func(ctx context.Context) (answer, error) {
		out, err = s.Next.GetCredentialsForIdentity(ctx, in, opts...)
		s.countExchange(flowEnhanced, err)
		if err != nil {
			return answer{}, err
		}
		if loc.known {
			err = s.confirm(ctx, loc.pool, cache.CredentialsScope(loc.pool))
		}
		return answer{
			credentials: cache.Credentials{IdentityID: aws.ToString(out.IdentityId)},
			merged:      scopesOf(cognito.Merged(out.ResultMetadata)),
		}, err
	})
	return out, err
}

// entryFor returns an entry that may be served to this client, from the cache or by an exchange,
// and sets the outcome in the request's CallInfo.
func (s *Service) entryFor(ctx context.Context, q query) (*cache.Entry, error) {
	info, now := callInfoOf(ctx), s.Now()
	enough := func(e *cache.Entry) bool {
		return e.Credentials.Expires.Sub(now) >= s.Floors.floor(q.Pool, info, e.Life())
	}
	entry := s.lookUp(ctx, &q, enough)
	if entry == nil {
		entry = s.awaitSuspended(ctx, &q)
	}
	if entry == nil {
		fresh, known, err := s.exchangeOrAwait(ctx, q)
		switch {
		case err != nil:
			return nil, err
		case known && !enough(fresh):
			return s.serve(info, q, fresh, Stale), nil // the backend gave nothing better
		case known:
			return s.serve(info, q, fresh, Hit), nil
		}
		return s.serve(info, q, fresh, Miss), nil
	}
	if enough(entry) {
		s.renewer.ahead(now, entry, q)
		return s.serve(info, q, entry, Hit), nil
	}
	if entry.ExchangesBlocked(now) {
		return s.serve(info, q, entry, Stale), nil
	}
	q.old = entry
	fresh, err := s.exchange(ctx, q)
	if err == nil {
		s.Observer.Renewal("ok")
		return s.serve(info, q, fresh, Miss), nil
	}
	if _, ended := s.renewer.failed(entry, q, err); ended {
		s.end(ctx, entry, q)
	}
	if cognito.Passing(err) && entry.Stands(s.Now()) {
		return s.serve(info, q, entry, Stale), nil
	}
	return nil, err
}

// lookUp is the best entry that there is for a client. The fleet is asked where this
// broker has none, or none that is enough for him.
func (s *Service) lookUp(ctx context.Context, q *query, enough func(*cache.Entry) bool) *cache.Entry {
	outcome := func(e *cache.Entry) string {
		if enough(e) {
			return "hit"
		}
		return "low"
	}
	entry, ok := s.Memory.Get(q.key)
	if !ok {
		s.Observer.Lookup("memory", "miss")
		entry = nil
	} else if s.Observer.Lookup("memory", outcome(entry)); enough(entry) {
		return entry
	}
	found := s.lookUpFleet(ctx, q)
	if found == nil {
		return entry
	}
	s.Observer.Lookup("redis", outcome(found))
	return found
}

// lookUpFleet looks for an entry that another broker may have brought, and learns
// the epochs under which an exchange may be stored.
func (s *Service) lookUpFleet(ctx context.Context, q *query) *cache.Entry {
	if s.Shared == nil {
		return nil
	}
	entry, err := s.readFleet(ctx, q)
	if err != nil {
		s.Observer.Lookup("redis", "failed")
	} else if entry == nil {
		s.Observer.Lookup("redis", "miss")
	}
	return entry
}

// readFleet is what the fleet has for a call, or nil. It fails with cache.ErrFleet.
func (s *Service) readFleet(ctx context.Context, q *query) (*cache.Entry, error) {
	q.fenced = false
	if s.Shared == nil {
		return nil, nil
	}
	found, err := s.Shared.Find(ctx, q.key, q.stamp, s.Epochs.Read, q.namesPool())
	if err != nil {
		return nil, err
	}
	q.stamp, q.fenced, q.newPool = found.Stamp, found.Fenced, found.Unmet
	if found.Entry == nil || !found.Entry.Stands(s.Now()) {
		return nil, nil
	}
	return s.promote(q.key, found.Entry), nil
}

// promote keeps an entry of the fleet in memory too, and returns the one that all
// clients here share.
func (s *Service) promote(key cache.Key, found *cache.Entry) *cache.Entry {
	s.Memory.Put(key, found)
	if entry, ok := s.Memory.Get(key); ok {
		return entry
	}
	return found
}

// entryRef is where the fleet keeps an entry.
func (s *Service) entryRef(e *cache.Entry, key cache.Key) cache.EntryRef {
	if s.Shared == nil {
		return nil
	}
	return s.Shared.Ref(key, e.Stamp)
}

// serve records that the entry is served, and says until when the answer may be repeated.
func (s *Service) serve(info *CallInfo, q query, e *cache.Entry, outcome Outcome) *cache.Entry {
	now := s.Now()
	floor := s.Floors.floor(q.Pool, info, e.Life())
	e.RecordServe(now, floor)
	s.Observer.Remaining(e.Credentials.Expires.Sub(now))
	info.Outcome = outcome
	info.RefreshAfter = e.RefreshAfter(floor)
	if outcome != Stale {
		info.Condition = &cache.MemoCondition{
			Entry: e, Floor: floor, Proofs: q.proofs, Ref: s.entryRef(e, q.key), Renewed: q.renewable,
		}
	}
	s.renewer.record(e, q)
	return e
}

func output(c cache.Credentials) *ci.GetCredentialsForIdentityOutput {
	return &ci.GetCredentialsForIdentityOutput{
		IdentityId: aws.String(c.IdentityID),
		Credentials: &types.Credentials{
			AccessKeyId:  aws.String(c.AccessKeyID),
			SecretKey:    aws.String(c.SecretKey),
			SessionToken: aws.String(c.SessionToken),
			Expiration:   aws.Time(c.Expires),
		},
	}
}
