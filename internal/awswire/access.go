package awswire

import (
	"context"
	"fmt"
	"strings"

	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

// Access says who may call an operation. The zero value is nobody.
type Access int

// Kinds of access.
const (
	_ Access = iota
	// Unsigned operations are for everybody; a signature is ignored.
	Unsigned
	// Developer operations are for callers with the scope developer.
	Developer
	// Admin operations are for callers with the scope admin: all other signed ones.
	Admin
)

// scope is what a caller needs; false where nobody may call.
func (a Access) scope() (callers.Scope, bool) {
	switch a {
	case Developer:
		return callers.Developer, true
	case Admin:
		return callers.Admin, true
	}
	return "", false
}

// PoolOf finds the pool of an identity; false where it is not known. An error
// says that it could not be found out. It is safe for concurrent use.
type PoolOf func(ctx context.Context, identityID string) (pool string, ok bool, err error)

// Members that say which pools a call concerns.
const (
	memberPool       = "IdentityPoolId"
	memberIdentity   = "IdentityId"
	memberIdentities = "IdentityIdsToDelete"
	memberResource   = "ResourceArn"
)

// Bounds of the model that hold before it was consulted. A list beyond its bound is
// refused as invalid afterwards.
const (
	maxID         = 55
	maxIdentities = 60
)

// Authorize says whether an authenticated caller may call an operation with this
// input, which need not be valid yet: a member of another type than the model's
// names no pool. The pool is the input's IdentityPoolId, else the one that its
// ResourceArn names, else that of its IdentityId, which poolOf finds; of several
// identities each has to be of a pool of the caller. What concerns no pool, or an
// identity whose pool is not known, is for callers of any pool.
//
// It fails with AccessDeniedException; without a caller with
// MissingAuthenticationTokenException; for what is not served with
// UnknownOperationException; and as poolOf does for a passing reason. Unsigned
// operations are for everybody. Validate and call afterwards, by Input and Call.
func Authorize(ctx context.Context, who *callers.Caller, poolOf PoolOf, operation string, tree map[string]any) error {
	o, err := served(operation)
	if err != nil {
		return err
	}
	if err := o.permitScope(who, tree); err != nil {
		return err
	}
	return o.permitPool(ctx, who, poolOf, tree)
}

// AuthorizePool is Authorize for a call whose pool is named beside its input, as a
// path does; it asks for no identity's pool. Who uses it holds the call to the pool.
// Empty or malformed, it is for callers of any pool.
func AuthorizePool(who *callers.Caller, operation, pool string) error {
	o, err := served(operation)
	if err != nil {
		return err
	}
	o.byPool = true // for the words of a refusal
	tree := map[string]any{memberPool: pool}
	if err := o.permitScope(who, tree); err != nil {
		return err
	}
	if scope, ok := o.access.scope(); o.access == Unsigned || ok && who.May(scope, wellFormed(pool)) {
		return nil
	}
	return o.denied(who, tree)
}

// AuthorizeIdentities is Authorize for an operation on a list of identities.
func AuthorizeIdentities(
	ctx context.Context, who *callers.Caller, poolOf PoolOf, operation string, ids []string,
) error {
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = id
	}
	return Authorize(ctx, who, poolOf, operation, map[string]any{memberIdentities: list})
}

// permitScope refuses callers that may call the operation for no pool at all.
func (o operation) permitScope(who *callers.Caller, tree map[string]any) error {
	if o.access == Unsigned {
		return nil
	}
	if who == nil {
		return refusal(codeNoAuthentication, msgNoAuthentication)
	}
	if scope, ok := o.access.scope(); ok && who.Has(scope) {
		return nil
	}
	return o.denied(who, tree)
}

// permitPool refuses callers that may call the operation, but not for this pool.
// A foreign identity and an unknown one are refused in the same words.
func (o operation) permitPool(ctx context.Context, who *callers.Caller, poolOf PoolOf, tree map[string]any) error {
	if o.access == Unsigned {
		return nil
	}
	scope, ok := o.access.scope()
	if ok && who.May(scope, "") { // in any pool, so that no pool has to be found
		return nil
	}
	pools, err := o.pools(ctx, poolOf, tree)
	if err != nil {
		return err
	}
	for _, pool := range pools {
		ok = ok && pool != "" && who.May(scope, pool)
	}
	if ok && len(pools) > 0 {
		return nil
	}
	return o.denied(who, tree)
}

// pools finds the pools that a call concerns; "" is one that is not known.
func (o operation) pools(ctx context.Context, poolOf PoolOf, tree map[string]any) ([]string, error) {
	switch {
	case o.byPool && tree[memberPool] != nil:
		return []string{wellFormed(tree[memberPool])}, nil
	case o.byResource:
		arn, _ := tree[memberResource].(string)
		pool, _ := cognito.PoolOfARN(arn)
		return []string{pool}, nil
	case o.byIdentity:
		pool, err := poolOfIdentity(ctx, poolOf, tree[memberIdentity])
		return []string{pool}, err
	case o.byIdentities:
		ids, _ := tree[memberIdentities].([]any)
		var pools []string
		for _, id := range ids[:min(len(ids), maxIdentities)] {
			pool, err := poolOfIdentity(ctx, poolOf, id)
			if err != nil {
				return nil, err
			}
			pools = append(pools, pool)
		}
		return pools, nil
	}
	return nil, nil
}

// poolOfIdentity is "" where the pool is not known.
func poolOfIdentity(ctx context.Context, poolOf PoolOf, v any) (string, error) {
	identity := wellFormed(v)
	if identity == "" || poolOf == nil {
		return "", nil
	}
	pool, ok, err := poolOf(ctx, identity)
	switch {
	case err != nil && cognito.Passing(err):
		return "", fmt.Errorf("find the pool of an identity: %w", err)
	case err != nil || !ok:
		return "", nil
	}
	return pool, nil
}

// denied words a refusal as IAM does. It names a pool only where the call did.
func (o operation) denied(who *callers.Caller, tree map[string]any) error {
	resource := "*"
	if id := wellFormed(tree[memberPool]); o.byPool && id != "" {
		region, _, _ := strings.Cut(id, ":")
		resource = "arn:aws:cognito-identity:" + region + ":*:identitypool/" + id
	}
	return refusal(cognito.CodeAccessDenied, fmt.Sprintf(
		"User: %s is not authorized to perform: cognito-identity:%s on resource: %s", who.ARN(), o.name, resource))
}

// wellFormed returns the id of a pool or identity that v is: [\w-]+:[0-9a-f-]+,
// at most 55 characters; "" for all else.
func wellFormed(v any) string {
	id, _ := v.(string)
	region, rest, found := strings.Cut(id, ":")
	if !found || region == "" || rest == "" || len(id) > maxID ||
		strings.ContainsFunc(region, notRegion) || strings.Trim(rest, "0123456789abcdef-") != "" {
		return ""
	}
	return id
}

func notRegion(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-'
}
