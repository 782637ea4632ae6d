package embedded

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// ListIdentities lists a pool's identities by id, a page at a time
// (docs/cognito.md#administering-identities). Disabled ones are among them unless the call
// hides them.
func (e *Engine) ListIdentities(
	ctx context.Context, in *cognitoidentity.ListIdentitiesInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.ListIdentitiesOutput, error) {
	if err := e.begin("ListIdentities", in); err != nil {
		return nil, err
	}
	if _, ok := e.pool(*in.IdentityPoolId); !ok {
		return nil, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	query := "ListIdentities " + *in.IdentityPoolId + " " + strconv.FormatBool(in.HideDisabled)
	last, err := e.pages.last(query, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := int(*in.MaxResults)
	out := &cognitoidentity.ListIdentitiesOutput{IdentityPoolId: in.IdentityPoolId,
		Identities: []types.IdentityDescription{}}
	err = e.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.Identities(*in.IdentityPoolId, last, !in.HideDisabled, limit+1) // one more tells of a next page
		if err != nil {
			return err
		}
		if len(found) > limit {
			found = found[:limit]
			out.NextToken = aws.String(e.pages.next(query, found[limit-1].ID))
		}
		for _, i := range found {
			linked, err := tx.Logins(i.ID)
			if err != nil {
				return err
			}
			out.Identities = append(out.Identities, describe(i, linked))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// describe shows an identity with the names of its providers; its users' ids stay
// with the engine.
func describe(i rules.Identity, linked []rules.Login) types.IdentityDescription {
	d := types.IdentityDescription{
		IdentityId: aws.String(i.ID), CreationDate: aws.Time(i.Created), LastModifiedDate: aws.Time(i.Modified),
	}
	for _, l := range linked { // ordered by provider
		if !slices.Contains(d.Logins, l.Provider) {
			d.Logins = append(d.Logins, l.Provider)
		}
	}
	return d
}

// DeleteIdentities removes identities with their logins, each on its own: what could not be
// removed is listed, the others are gone (docs/cognito.md#administering-identities). One
// that does not exist counts as removed, so that a call can be repeated.
func (e *Engine) DeleteIdentities(
	ctx context.Context, in *cognitoidentity.DeleteIdentitiesInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.DeleteIdentitiesOutput, error) {
	if err := e.begin("DeleteIdentities", in); err != nil {
		return nil, err
	}
	ids, failed := e.deleteEach(ctx, in.IdentityIdsToDelete)
	out := &cognitoidentity.DeleteIdentitiesOutput{UnprocessedIdentityIds: []types.UnprocessedIdentityId{}}
	for n, err := range failed {
		if err != nil {
			out.UnprocessedIdentityIds = append(out.UnprocessedIdentityIds, types.UnprocessedIdentityId{
				IdentityId: aws.String(ids[n]), ErrorCode: types.ErrorCodeInternalServerError,
			})
		}
	}
	return out, nil
}

// deleteEach deletes those of the identities that there are, and tells how that
// ended for each. Where nobody can tell which there are, it failed for all.
func (e *Engine) deleteEach(ctx context.Context, ids []string) (tried []string, failed []error) {
	found, err := e.existing(ctx, ids)
	if err != nil {
		return ids, slices.Repeat([]error{err}, len(ids))
	}
	failed = make([]error, len(found))
	var all sync.WaitGroup
	for n, i := range found { // at most 60; the store gathers them into few commits
		tried = append(tried, i.ID)
		all.Go(func() {
			failed[n] = e.update(ctx, func(tx *store.Tx) error { return tx.DeleteIdentity(i.ID) })
		})
	}
	all.Wait()
	return tried, failed
}

// existing are those of the ids that there is an identity for, each once.
func (e *Engine) existing(ctx context.Context, ids []string) (found []rules.Identity, err error) {
	err = e.store.View(ctx, func(tx *store.Tx) error {
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			i, ok, err := tx.Identity(id)
			if err != nil {
				return err
			}
			if ok {
				found = append(found, i)
			}
		}
		return nil
	})
	return found, err
}

// LookupDeveloperIdentity finds the identity of a backend's user, the users of an
// identity, a page at a time, or confirms that the two belong together
// (docs/cognito.md#lookup).
func (e *Engine) LookupDeveloperIdentity(
	ctx context.Context, in *cognitoidentity.LookupDeveloperIdentityInput, _ ...func(*cognitoidentity.Options),
) (*cognitoidentity.LookupDeveloperIdentityOutput, error) {
	if err := e.begin("LookupDeveloperIdentity", in); err != nil {
		return nil, err
	}
	pool, ok := e.pool(*in.IdentityPoolId)
	if !ok {
		return nil, cognito.PoolNotFound(*in.IdentityPoolId)
	}
	if in.IdentityId == nil && in.DeveloperUserIdentifier == nil {
		return nil, cognito.InvalidParameter("Either IdentityId or DeveloperUserIdentifier must be given.")
	}
	var out *cognitoidentity.LookupDeveloperIdentityOutput
	err := e.store.View(ctx, func(tx *store.Tx) (err error) {
		if in.DeveloperUserIdentifier == nil {
			out, err = e.usersOf(tx, &pool, in)
			return err
		}
		out, err = identityOf(tx, &pool, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// identityOf looks up a user, who must be of the identity that the call names.
func identityOf(
	tx *store.Tx, pool *rules.Pool, in *cognitoidentity.LookupDeveloperIdentityInput,
) (*cognitoidentity.LookupDeveloperIdentityOutput, error) {
	if in.IdentityId != nil {
		if err := ofPool(tx, pool, *in.IdentityId); err != nil {
			return nil, err
		}
	}
	owner, linked, err := tx.Owner(pool.ID,
		rules.Login{Provider: pool.DeveloperProvider, Subject: *in.DeveloperUserIdentifier})
	switch {
	case err != nil:
		return nil, err
	case in.IdentityId != nil && (!linked || owner != *in.IdentityId):
		return nil, rules.NotLinked()
	case !linked:
		return nil, rules.UnknownDeveloper()
	}
	return &cognitoidentity.LookupDeveloperIdentityOutput{
		IdentityId: aws.String(owner), DeveloperUserIdentifierList: []string{*in.DeveloperUserIdentifier},
	}, nil
}

// maxLookup is the page of a lookup that names no size (docs/cognito.md#lookup).
const maxLookup = 60

func (e *Engine) usersOf(
	tx *store.Tx, pool *rules.Pool, in *cognitoidentity.LookupDeveloperIdentityInput,
) (*cognitoidentity.LookupDeveloperIdentityOutput, error) {
	id := *in.IdentityId
	if err := ofPool(tx, pool, id); err != nil {
		return nil, err
	}
	query := "LookupDeveloperIdentity " + pool.ID + " " + id
	last, err := e.pages.last(query, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := maxLookup
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	users, err := tx.Subjects(id, pool.DeveloperProvider, last, limit+1)
	if err != nil {
		return nil, err
	}
	out := &cognitoidentity.LookupDeveloperIdentityOutput{IdentityId: aws.String(id),
		DeveloperUserIdentifierList: []string{}}
	if len(users) > limit {
		users = users[:limit]
		out.NextToken = aws.String(e.pages.next(query, users[limit-1]))
	}
	out.DeveloperUserIdentifierList = append(out.DeveloperUserIdentifierList, users...)
	return out, nil
}

// ofPool refuses an identity that is not of the pool.
func ofPool(tx *store.Tx, pool *rules.Pool, id string) error {
	identity, ok, err := tx.Identity(id)
	if err == nil && (!ok || identity.Pool != pool.ID) {
		err = cognito.IdentityNotFound(id)
	}
	return err
}
