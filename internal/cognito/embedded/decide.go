package embedded

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

var _ cognito.Decider = (*Engine)(nil)

// Decide tells what a call would change, or how it would be refused, by the code
// that the call itself runs before it writes. See cognito.Decider.
func (e *Engine) Decide(ctx context.Context, in any) (cognito.Effect, error) {
	operation, err := operationOf(in)
	if err != nil {
		return cognito.Effect{}, err
	}
	if err := cognito.Check(operation, in); err != nil {
		return cognito.Effect{}, err
	}
	if err := e.throttle.ready(operation, e.now()); err != nil {
		return cognito.Effect{}, err
	}
	switch in := in.(type) {
	case *cognitoidentity.DeleteIdentitiesInput:
		return e.decideDeletion(ctx, in)
	case *cognitoidentity.GetCredentialsForIdentityInput:
		p, who, err := e.prepareCredentials(ctx, in)
		if err != nil {
			return cognito.Effect{}, err
		}
		r, _, err := e.session(ctx, p, who, aws.ToString(in.CustomRoleArn))
		if err != nil {
			return cognito.Effect{}, err
		}
		return effectOf(p, &r), nil
	}
	if p, known, err := e.prepare(ctx, in); known {
		if err != nil {
			return cognito.Effect{}, err
		}
		r, err := e.look(ctx, p)
		if err != nil {
			return cognito.Effect{}, err
		}
		return effectOf(p, &r), nil
	}
	if effect, known, err := e.decidePool(in); known {
		return effect, err
	}
	return cognito.Effect{}, notDecided(in)
}

// operationOf is the operation of an input of the SDK.
func operationOf(in any) (string, error) {
	t := reflect.TypeOf(in)
	if t == nil || t.Kind() != reflect.Pointer {
		return "", notDecided(in)
	}
	name, ok := strings.CutSuffix(t.Elem().Name(), "Input")
	if !ok {
		return "", notDecided(in)
	}
	return name, nil
}

func notDecided(in any) error {
	return cognito.WithCause(cognito.Internal(), fmt.Errorf("%T is no input of an operation that changes something", in))
}

// prepare prepares a call on identities that is decided as soon as it is prepared.
func (e *Engine) prepare(ctx context.Context, in any) (p *prepared, known bool, err error) {
	switch in := in.(type) {
	case *cognitoidentity.GetIdInput:
		p, err = e.prepareGetId(ctx, in)
	case *cognitoidentity.GetOpenIdTokenInput:
		p, _, err = e.prepareToken(ctx, in)
	case *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput:
		p, _, err = e.prepareDeveloperToken(ctx, in)
	case *cognitoidentity.UnlinkIdentityInput:
		p, err = e.prepareUnlink(ctx, in)
	case *cognitoidentity.UnlinkDeveloperIdentityInput:
		p, err = e.prepareUnlinkDeveloper(in)
	case *cognitoidentity.MergeDeveloperIdentitiesInput:
		p, err = e.prepareMerge(in)
	default:
		return nil, false, nil
	}
	return p, true, err
}

// effectOf is what a ruling changes.
func effectOf(p *prepared, r *ruling) cognito.Effect {
	if !r.changes() {
		return cognito.Effect{}
	}
	effect := cognito.Effect{Pool: p.pool.ID, Creates: r.Identity == "", Identities: slices.Clone(r.Merge)}
	moved := slices.Concat(r.Link, r.Unlink)
	for _, loser := range r.Merge {
		moved = append(moved, r.facts.Linked[loser]...)
	}
	if !effect.Creates {
		effect.Identities = append(effect.Identities, r.Identity)
	}
	slices.Sort(effect.Identities)
	effect.Logins = loginsMoved(moved)
	return effect
}

func loginsMoved(moved []rules.Login) []cognito.Login {
	var out []cognito.Login
	for _, l := range moved {
		out = append(out, cognito.Login(l))
	}
	slices.SortFunc(out, cognito.Login.Compare)
	return slices.Compact(out)
}

// decideDeletion finds the identities that there are: to delete others changes
// nothing.
func (e *Engine) decideDeletion(
	ctx context.Context, in *cognitoidentity.DeleteIdentitiesInput,
) (cognito.Effect, error) {
	found, err := e.existing(ctx, in.IdentityIdsToDelete)
	if err != nil || len(found) == 0 {
		return cognito.Effect{}, err
	}
	effect := cognito.Effect{Pool: found[0].Pool}
	var gone []rules.Login
	err = e.store.View(ctx, func(tx *store.Tx) error {
		for _, i := range found {
			linked, err := tx.Logins(i.ID)
			if err != nil {
				return err
			}
			if i.Pool != effect.Pool {
				effect.Pool = ""
			}
			effect.Identities, gone = append(effect.Identities, i.ID), append(gone, linked...)
		}
		return nil
	})
	if err != nil {
		return cognito.Effect{}, err
	}
	effect.Logins = loginsMoved(gone)
	return effect, nil
}

// decidePool decides a change of a pool. known is false where in is none.
func (e *poolOperations) decidePool(in any) (effect cognito.Effect, known bool, err error) {
	switch in := in.(type) {
	case *cognitoidentity.CreateIdentityPoolInput:
		_, err := e.newPool(in)
		return cognito.Effect{Creates: err == nil}, true, err
	case *cognitoidentity.DeleteIdentityPoolInput:
		if _, ok := e.pool(*in.IdentityPoolId); !ok {
			return cognito.Effect{}, true, cognito.PoolNotFound(*in.IdentityPoolId)
		}
		return cognito.Effect{Pool: *in.IdentityPoolId, Reach: cognito.ReachEverything}, true, nil
	}
	id, change, err := e.alteration(in)
	if err != nil || change == nil {
		return cognito.Effect{}, err != nil, err
	}
	from, to, err := e.alter(id, change)
	if err != nil {
		return cognito.Effect{}, true, err
	}
	if effect.Reach = rules.Reach(&from, &to); effect.Reach != cognito.ReachNothing {
		effect.Pool = id
	}
	return effect, true, nil
}

// alteration is the change of a pool that a call makes, or nil.
func (e *poolOperations) alteration(in any) (pool string, change alteration, err error) {
	switch in := in.(type) {
	case *cognitoidentity.UpdateIdentityPoolInput:
		return *in.IdentityPoolId, e.replacement(in), nil
	case *cognitoidentity.SetIdentityPoolRolesInput:
		return *in.IdentityPoolId, e.setRoles(in), nil
	case *cognitoidentity.SetPrincipalTagAttributeMapInput:
		return *in.IdentityPoolId, setTagMap(in), nil
	case *cognitoidentity.TagResourceInput:
		pool, err = e.tagged(*in.ResourceArn)
		return pool, addTags(in), err
	case *cognitoidentity.UntagResourceInput:
		pool, err = e.tagged(*in.ResourceArn)
		return pool, takeTags(in), err
	}
	return "", nil, nil
}
