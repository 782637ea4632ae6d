package flows

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// uncachedCalls makes the calls that are not for the cache. It is safe for concurrent use.
type uncachedCalls struct {
	*Config
	fences  fences
	owners  *loginOwners
	queries *queryMaker
	calls   *backendCalls
	server  *server
}

// callUncached makes an app's call with these logins for an identity, if it names one. It takes a
// slot and a permit, and is made within a fence where it may link. A call for an identity that is not
// known here, and of which nothing was proved, is counted against nobody: it may name any.
func callUncached[Out any](
	ctx context.Context, u *uncachedCalls, loc location, identity string, logins map[string]string, links bool, in any,
	call func(ctx context.Context, proven []login) (*Out, error),
) (*Out, error) {
	affected, err := u.owners.fenceScopesOf(ctx, cmp.Or(loc.pool, callInfoOf(ctx).Pool), identity, logins)
	if err != nil {
		return nil, err
	}
	release, err := u.calls.slot(ctx) // when the logins are proved: that may take long
	if err != nil {
		return nil, err
	}
	defer release()
	permit := func() error {
		if !loc.known && len(affected.logins) == 0 {
			return nil
		}
		return u.calls.takePermit(ctx, payer{identity, logins, affected.logins})
	}
	out, err := mayLink(ctx, u.fences, links, affected, in, permit, func(ctx context.Context) (*Out, error) {
		return call(ctx, affected.logins)
	})
	if err != nil {
		u.server.endDisowned(ctx, affected, err)
	}
	return out, err
}

// uncached makes a call for an identity that is not for the cache. What the backend took
// although it was not proved here may have changed the identity too.
func (u *uncachedCalls) uncached(
	ctx context.Context, loc location, r request, call func(context.Context) (answer, error),
) (got answer, err error) {
	proved := false
	made := func(ctx context.Context, proven []login) (_ *answer, err error) {
		proved = len(proven) == len(r.Logins)
		got, err = call(ctx)
		return &got, err
	}
	_, err = callUncached(ctx, u, loc, r.Identity, r.Logins, loc.links(r.Logins), r.input(), made)
	if err != nil { // what was merged before it failed ends too
		return got, cmp.Or(u.fences.Fence(ctx, got.merged...), err)
	}
	changed, answered := got.merged, got.credentials.IdentityID
	if answered != r.Identity {
		changed = append(changed, cache.IdentityScope(r.Identity), cache.IdentityScope(answered))
	} else if len(r.Logins) > 0 && !proved {
		_ = u.fences.tryEnd(ctx, cache.IdentityScope(r.Identity)) // nothing should have changed it
	}
	return got, u.fences.Fence(ctx, changed...)
}

// developerUncached asks the backend within a fence around all that is known to be
// concerned: nobody here can tell whose the public logins are.
func (u *uncachedCalls) developerUncached(ctx context.Context, q query) (answer, error) {
	if err := u.calls.takePermit(ctx, payer{logins: []login{userOf(q.Pool, q.Provider, q.User)}}); err != nil {
		return answer{}, err
	}
	release, err := u.calls.slot(ctx)
	if err != nil {
		return answer{}, err
	}
	defer release()
	affected := q.fenceScopes()
	ended, err := u.fences.attempt(ctx, &affected)
	if err != nil {
		return answer{}, err
	}
	got, err := u.developerFenced(ctx, q, affected)
	ended(err)
	return got, err
}

func (u *uncachedCalls) developerFenced(ctx context.Context, q query, affected fenceScopes) (got answer, err error) {
	affected.strict = true
	predicted, err := u.fences.predict(ctx, &affected, q.input())
	if err != nil {
		return answer{}, err
	}
	var beyond []cache.Scope // what was merged that the fence did not cover
	_, err = u.fences.change(ctx, affected, predicted, func(ctx context.Context, fenced []cache.Scope) (err error) {
		got, err = u.calls.perform(ctx, q.request, fenced)
		u.calls.countExchange(q.Flow, err)
		beyond = without(got.merged, fenced)
		return err
	})
	return got, cmp.Or(u.fences.Fence(ctx, beyond...), err)
}

// grantUncached asks the backend alone: nobody here can tell whose the answer is.
func (u *uncachedCalls) grantUncached(
	ctx context.Context, loc location, pool string, r request,
) (cache.Credentials, error) {
	got, err := u.uncached(ctx, loc, r, func(ctx context.Context) (answer, error) {
		got, err := u.calls.perform(ctx, r, nil)
		u.calls.countExchange(r.Flow, err)
		return got, err
	})
	if err != nil {
		return cache.Credentials{}, err
	}
	c := got.credentials
	callInfoOf(ctx).RefreshAfter = u.refreshUncached(pool, callInfoOf(ctx), c)
	return c, nil
}

// refreshUncached is when a client should come back for what was not cached.
func (u *uncachedCalls) refreshUncached(pool string, info *CallInfo, c cache.Credentials) time.Time {
	return c.Expires.Add(-u.Floors.floor(pool, info, c.Expires.Sub(u.Now())))
}

// pass hands a call to the backend, uncached: it judges what could not be proved
// here.
func (u *uncachedCalls) pass(
	ctx context.Context, loc location, in *ci.GetCredentialsForIdentityInput, opts ...options,
) (out *ci.GetCredentialsForIdentityOutput, err error) {
	r := request{Flow: flowEnhanced, Identity: *in.IdentityId, Logins: in.Logins, Role: aws.ToString(in.CustomRoleArn)}
	_, err = u.uncached(ctx, loc, r, func(ctx context.Context) (answer, error) {
		out, err = u.Next.GetCredentialsForIdentity(ctx, in, opts...)
		u.calls.countExchange(flowEnhanced, err)
		if err != nil {
			return answer{}, err
		}
		if loc.known {
			err = u.fences.confirm(ctx, loc.pool, cache.CredentialsScope(loc.pool))
		}
		return answer{
			credentials: cache.Credentials{IdentityID: aws.ToString(out.IdentityId)},
			merged:      scopesOf(cognito.Merged(out.ResultMetadata)),
		}, err
	})
	return out, err
}

// openIDToken asks the backend for a token of an identity.
func (u *uncachedCalls) openIDToken(
	ctx context.Context, id string, logins map[string]string,
) (*ci.GetOpenIdTokenOutput, error) {
	loc, err := u.locate(ctx, id)
	if err != nil {
		return nil, err
	}
	in := &ci.GetOpenIdTokenInput{IdentityId: aws.String(id), Logins: logins}
	call := func(ctx context.Context, proven []login) (*ci.GetOpenIdTokenOutput, error) {
		out, err := u.Next.GetOpenIdToken(ctx, in)
		if err == nil && loc.known {
			u.owners.recordOwner(ctx, loc.pool, aws.ToString(out.IdentityId), proven)
		}
		return out, err
	}
	out, err := callUncached(ctx, u, loc, id, logins, loc.links(logins), in, call)
	if err != nil {
		return nil, err
	}
	ended := scopesOf(cognito.Merged(out.ResultMetadata))
	if answered := aws.ToString(out.IdentityId); answered != id {
		ended = append(ended, cache.IdentityScope(id)) // is somebody else now
		if loc.links(logins) {
			ended = append(ended, cache.IdentityScope(answered))
		}
	}
	return unlessFailed(out, u.fences.Fence(ctx, ended...))
}

// getID asks the backend.
func (u *uncachedCalls) getID(ctx context.Context, in *ci.GetIdInput, opts ...options) (*ci.GetIdOutput, error) {
	if len(in.Logins) == 0 {
		if err := u.calls.awaitGuestPermit(ctx, *in.IdentityPoolId); err != nil {
			return nil, err
		}
	}
	pool := *in.IdentityPoolId
	call := func(ctx context.Context, proven []login) (*ci.GetIdOutput, error) {
		out, err := u.Next.GetId(ctx, in, opts...)
		if err == nil {
			u.owners.recordOwner(ctx, pool, aws.ToString(out.IdentityId), proven)
		}
		if err == nil && in.AccountId != nil {
			u.queries.accounts.Store(strings.Clone(pool), strings.Clone(*in.AccountId))
		}
		return out, err
	}
	out, err := callUncached(ctx, u, location{pool: pool}, "", in.Logins, len(in.Logins) > 1, in, call)
	if err != nil {
		return nil, err
	}
	if len(in.Logins) < 2 {
		return out, nil
	}
	ended := append(scopesOf(cognito.Merged(out.ResultMetadata)), cache.IdentityScope(aws.ToString(out.IdentityId)))
	return unlessFailed(out, u.fences.Fence(ctx, ended...))
}

// endDisownedTokens is endDisowned for a call that failed, whose logins were not proved.
func (u *uncachedCalls) endDisownedTokens(
	ctx context.Context, loc location, id string, logins map[string]string, err error,
) {
	if err != nil && cognito.Disowned(err) {
		proven, _, _ := u.owners.proven(ctx, logins)
		u.server.endDisowned(
			ctx, fenceScopes{
				pool: cmp.Or(loc.pool, callInfoOf(ctx).Pool), identity: id, logins: proven, tokens: len(logins),
			}, err,
		)
	}
}

// locateServed is locate where the answer must be of a served pool: an identity that
// nobody has met since the start is placed by its token, whose audience is its
// pool. Where the backend gives none, the pool cannot be found.
func (u *uncachedCalls) locateServed(ctx context.Context, id string, logins map[string]string) (location, error) {
	loc, err := u.locate(ctx, id)
	if err != nil || loc.known || len(u.Pools) == 0 {
		return loc, err
	}
	if _, err := u.openIDToken(ctx, id, logins); err != nil {
		if cognito.Public(err).ErrorCode() == "InvalidParameterException" {
			err = cognito.WithCause(cognito.IdentityNotFound(id), err)
		}
		return location{}, err
	}
	if loc, err = u.locate(ctx, id); err == nil && !loc.known {
		err = cognito.IdentityNotFound(id)
	}
	return loc, err
}
