package flows

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

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
	askOf(ctx).Pool = pool
	out, err := s.GetOpenIdToken(ctx, &cognitoidentity.GetOpenIdTokenInput{IdentityId: aws.String(id), Logins: tokens})
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
	out, err := s.DescribeIdentityPool(ctx, &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: aws.String(pool)})
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
	ask := askOf(ctx)
	ask.Pool = r.Pool
	met := true // an identity that nobody has met may not exist: nothing is kept for it yet
	if r.IdentityID != "" {
		p, err := s.locate(ctx, r.IdentityID)
		if err != nil {
			return nil, err
		}
		met = p.known
	}
	sub, ok := s.developer(ctx, call)
	if !ok || !met {
		got, err := s.developerUncached(ctx, sub)
		if err != nil {
			return nil, err
		}
		return &Grant{IdentityID: got.credentials.IdentityID, Credentials: got.credentials,
			RefreshAfter: s.refreshUncached(r.Pool, ask, got.credentials)}, nil
	}
	entry, err := s.serve(ctx, sub)
	if err != nil {
		return nil, err
	}
	ask.Guard = nil // the caller's right to ask is no part of the body
	return &Grant{IdentityID: entry.Credentials.IdentityID, Credentials: entry.Credentials, RefreshAfter: ask.RefreshAfter}, nil
}

// developer names a call of the developer flow. ok is false when it is not for
// the cache: a public login could not be proved, or the user's identity is yet to
// be linked.
func (s *Service) developer(ctx context.Context, r request) (subject, bool) {
	user := userOf(r.Pool, r.Provider, r.User)
	sub := subject{request: r, scope: user.scope(), evidence: evidence{logins: []login{user}}}
	if r.Identity != "" {
		sub.scope = cache.IdentityScope(r.Identity)
	}
	sub.readEpochs(s.Epochs)
	ev, ok := s.weigh(ctx, r.Pool, r.Identity, r.Logins)
	if !ok {
		return sub, false
	}
	ev.domain, ev.logins = cache.DomainDeveloper, append(ev.logins, user)
	sub.evidence, sub.key, sub.tokens = ev, s.name(ev, r), s.Names.Key("tokens", spelt(r.Logins)...)
	sub.readLogins(s.Epochs)
	// To name an identity may link the user to it; public logins may be linked too,
	// and merge whoever owns them.
	sub.links = r.Identity != "" || len(r.Logins) > 0
	sub.renewable = len(r.Logins) == 0
	return sub, true
}

// developerUncached asks the backend within a fence around all that is known to be
// concerned: nobody here can tell whose the public logins are.
func (s *Service) developerUncached(ctx context.Context, sub subject) (answer, error) {
	if err := s.turn(ctx, payer{logins: []login{userOf(sub.Pool, sub.Provider, sub.User)}}); err != nil {
		return answer{}, err
	}
	release, err := s.slot(ctx)
	if err != nil {
		return answer{}, err
	}
	defer release()
	at := sub.stake()
	ended, err := s.attempt(ctx, &at)
	if err != nil {
		return answer{}, err
	}
	got, err := s.developerFenced(ctx, sub, at)
	ended(err)
	return got, err
}

func (s *Service) developerFenced(ctx context.Context, sub subject, at stake) (got answer, err error) {
	told, err := s.foresee(ctx, &at, sub.input())
	if err != nil {
		return answer{}, err
	}
	if told == refusal || told == unforeseen && at.often {
		got, err = s.make(ctx, sub.request, nil)
		s.observe(sub.Flow, err)
		return got, cmp.Or(s.endAll(ctx, got.merged), s.endUnfenced(ctx, at, told, err))
	}
	fence, scopes, err := s.around(ctx, at)
	if err != nil {
		return answer{}, err
	}
	_, err = within(ctx, s, fence, func(ctx context.Context) (_ *answer, err error) {
		got, err = s.make(ctx, sub.request, scopes)
		return &got, err
	})
	s.observe(sub.Flow, err)
	return got, cmp.Or(s.endAll(ctx, without(got.merged, scopes)), err)
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
		stamp := s.present(ctx, scope)
		also = &stamp
	}
	got, err := s.credentials(ctx, &cognitoidentity.GetCredentialsForIdentityInput{
		IdentityId: out.IdentityId, Logins: map[string]string{cognito.PassThrough: aws.ToString(out.Token)},
	})
	err = after(err)
	got.also = also
	got.merged = append(got.merged, scopesOf(cognito.Merged(out.ResultMetadata))...)
	return got, err
}
