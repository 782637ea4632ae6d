package flows

import (
	"cmp"
	"context"
	"maps"
	"slices"
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

// DeveloperProvider is the pool's developer provider. It never changes once it is
// set, so it is asked for once.
func (s *Service) DeveloperProvider(ctx context.Context, pool string) (string, error) {
	if !s.serves(pool) {
		return "", cognito.PoolNotFound(pool)
	}
	if name := s.DeveloperNames[pool]; name != "" {
		return name, nil
	}
	if name, ok := s.developers.Load(pool); ok {
		return name.(string), nil
	}
	out, err := s.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: aws.String(pool)})
	if err != nil {
		return "", err
	}
	name := aws.ToString(out.DeveloperProviderName)
	if name == "" {
		return "", cognito.InvalidParameter("The identity pool has no developer provider.")
	}
	s.developers.Store(pool, name)
	return name, nil
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
	q, ok := s.developer(ctx, call)
	if !ok || !met {
		got, err := s.developerUncached(ctx, q)
		if err != nil {
			return nil, err
		}
		return &Grant{IdentityID: got.credentials.IdentityID, Credentials: got.credentials,
			RefreshAfter: s.refreshUncached(r.Pool, info, got.credentials)}, nil
	}
	entry, err := s.entryFor(ctx, q)
	if err != nil {
		return nil, err
	}
	info.Condition = nil // the caller's right to ask is no part of the body
	return &Grant{
		IdentityID: entry.Credentials.IdentityID, Credentials: entry.Credentials, RefreshAfter: info.RefreshAfter,
	}, nil
}

// developer names a call of the developer flow. ok is false when it is not for
// the cache: a public login could not be proved, or the user's identity is yet to
// be linked.
func (s *Service) developer(ctx context.Context, r request) (query, bool) {
	user := userOf(r.Pool, r.Provider, r.User)
	q := query{request: r, scope: user.scope(), evidence: evidence{logins: []login{user}}}
	if r.Identity != "" {
		q.scope = cache.IdentityScope(r.Identity)
	}
	q.readEpochs(s.Epochs)
	ev, ok := s.proveLogins(ctx, r.Pool, r.Identity, r.Logins)
	if !ok {
		return q, false
	}
	ev.domain, ev.logins = cache.DomainDeveloper, append(ev.logins, user)
	q.evidence, q.key, q.tokens = ev, s.keyOf(ev, r), s.Names.Key("tokens", tokenFields(r.Logins)...)
	q.readLogins(s.Epochs)
	// To name an identity may link the user to it; public logins may be linked too,
	// and merge whoever owns them.
	q.links = r.Identity != "" || len(r.Logins) > 0
	q.renewable = len(r.Logins) == 0
	return q, true
}

// developerUncached asks the backend within a fence around all that is known to be
// concerned: nobody here can tell whose the public logins are.
func (s *Service) developerUncached(ctx context.Context, q query) (answer, error) {
	if err := s.takePermit(ctx, payer{logins: []login{userOf(q.Pool, q.Provider, q.User)}}); err != nil {
		return answer{}, err
	}
	release, err := s.slot(ctx)
	if err != nil {
		return answer{}, err
	}
	defer release()
	affected := q.fenceScopes()
	ended, err := s.attempt(ctx, &affected)
	if err != nil {
		return answer{}, err
	}
	got, err := s.developerFenced(ctx, q, affected)
	ended(err)
	return got, err
}

func (s *Service) developerFenced(ctx context.Context, q query, affected fenceScopes) (got answer, err error) {
	predicted, err := s.predict(ctx, &affected, q.input())
	if err != nil {
		return answer{}, err
	}
	if predicted == willBeRefused || predicted == unpredicted && affected.overLimit {
		got, err = s.perform(ctx, q.request, nil)
		s.countExchange(q.Flow, err)
		return got, cmp.Or(s.endScopes(ctx, got.merged), s.endUnfenced(ctx, affected, predicted, err))
	}
	fence, scopes, err := s.fenceAround(ctx, affected)
	if err != nil {
		return answer{}, err
	}
	_, err = changeWithin(ctx, s, fence, func(ctx context.Context) (_ *answer, err error) {
		got, err = s.perform(ctx, q.request, scopes)
		return &got, err
	})
	s.countExchange(q.Flow, err)
	return got, cmp.Or(s.endScopes(ctx, without(got.merged, scopes)), err)
}

// developerCall makes the two calls of the developer flow. Unless a fence is
// around the identity anyway, its epoch is read between them: whatever happens to
// the identity later outdates what the second call brings, and what happened
// before, the second call has seen.
func (s *Service) developerCall(ctx context.Context, r request, fenced []cache.Scope) (answer, error) {
	out, err := s.Next.GetOpenIdTokenForDeveloperIdentity(ctx, r.developerInput())
	if err != nil {
		return answer{}, err
	}
	scope := cache.IdentityScope(aws.ToString(out.IdentityId))
	var also *cache.Stamp
	if !slices.Contains(fenced, scope) {
		if len(r.Logins) > 0 {
			// The public logins may have been linked to it.
			if err := s.Fence(ctx, scope); err != nil {
				return answer{}, err
			}
		}
		stamp := s.presentStamp(ctx, scope)
		also = &stamp
	}
	got, err := s.credentials(ctx, &ci.GetCredentialsForIdentityInput{
		IdentityId: out.IdentityId, Logins: map[string]string{cognito.PassThrough: aws.ToString(out.Token)},
	})
	err = afterFirstStep(err)
	got.also = also
	got.merged = append(got.merged, scopesOf(cognito.Merged(out.ResultMetadata))...)
	return got, err
}
