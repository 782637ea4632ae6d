package flows

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/strictjson"
)

// What of a pool a change concerns, by the operation that reads it.
const (
	settingsOf = "settings" // DescribeIdentityPool
	rolesOf    = "roles"    // GetIdentityPoolRoles
	tagsOf     = "tags"     // GetPrincipalTagAttributeMap, of one provider
)

// poolPart is the part of a pool that a change concerns.
type poolPart struct {
	Kind     string
	Pool     string
	Provider string // of tagsOf
}

// scopes are what rests on it: on a pool's roles and tags its credentials, and not
// whose a login is.
func (part poolPart) scopes() []cache.Scope {
	if part.Kind == settingsOf {
		return cache.PoolScopes(part.Pool)
	}
	return []cache.Scope{cache.CredentialsScope(part.Pool)}
}

// poolState is a digest of what can change an answer. Equal digests are equal states.
type poolState [sha256.Size]byte

// absentPart is the state of what the backend does not have.
var absentPart poolState

// state asks the backend. What it does not have is a state too.
func (p *poolChanges) state(ctx context.Context, part poolPart) (poolState, error) {
	content, err := p.content(ctx, part)
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return absentPart, nil
	}
	if err != nil {
		return poolState{}, err
	}
	return digestOf(content)
}

func (p *poolChanges) content(ctx context.Context, part poolPart) (any, error) {
	pool := aws.String(part.Pool)
	switch part.Kind {
	case settingsOf:
		out, err := p.Next.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: pool})
		if err != nil {
			return nil, err
		}
		return settings(out), nil
	case rolesOf:
		out, err := p.Next.GetIdentityPoolRoles(ctx, &ci.GetIdentityPoolRolesInput{IdentityPoolId: pool})
		if err != nil {
			return nil, err
		}
		return []any{out.Roles, out.RoleMappings}, nil
	case tagsOf:
		out, err := p.Next.GetPrincipalTagAttributeMap(ctx, &ci.GetPrincipalTagAttributeMapInput{
			IdentityPoolId: pool, IdentityProviderName: aws.String(part.Provider),
		})
		if err != nil {
			return nil, err
		}
		return []any{out.UseDefaults, out.PrincipalTags}, nil
	}
	return nil, fmt.Errorf("no part %q of a pool", part.Kind)
}

// settings are those of a pool that can change an answer: all but its name and labels.
func settings(out *ci.DescribeIdentityPoolOutput) any {
	kept := *out
	kept.IdentityPoolName, kept.IdentityPoolTags = nil, nil
	return kept
}

func digestOf(content any) (poolState, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return poolState{}, fmt.Errorf("spell a pool: %w", err)
	}
	tree, err := strictjson.Value(text, strictjson.Limits{Bytes: len(text), Depth: 32, Values: len(text)})
	if err != nil {
		return poolState{}, fmt.Errorf("spell a pool: %w", err)
	}
	if text, err = json.Marshal(withoutEmpty(tree)); err != nil {
		return poolState{}, fmt.Errorf("spell a pool: %w", err)
	}
	return sha256.Sum256(text), nil
}

// withoutEmpty is a tree without members that say nothing: backends leave out, or send empty,
// what is not set. False says something: a pool's classic flow may be not set, and allowed.
func withoutEmpty(tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		for name, member := range v {
			if member = withoutEmpty(member); member == nil {
				delete(v, name)
			} else {
				v[name] = member
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = withoutEmpty(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return tree
}
