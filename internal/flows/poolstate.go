package flows

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
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

// aspect is the part of a pool that a change concerns.
type aspect struct {
	Kind     string
	Pool     string
	Provider string // of tagsOf
}

// scopes are what rests on it: on a pool's roles and tags its credentials, and not
// whose a login is.
func (a aspect) scopes() []cache.Scope {
	if a.Kind == settingsOf {
		return cache.PoolScopes(a.Pool)
	}
	return []cache.Scope{cache.CredentialsScope(a.Pool)}
}

// poolState is a digest of what can change an answer. Equal digests are equal states.
type poolState [sha256.Size]byte

// gone is the state of what the backend does not have.
var gone poolState

// state asks the backend. What it does not have is a state too.
func (s *Service) state(ctx context.Context, a aspect) (poolState, error) {
	content, err := s.content(ctx, a)
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return gone, nil
	}
	if err != nil {
		return poolState{}, err
	}
	return digestOf(content)
}

func (s *Service) content(ctx context.Context, a aspect) (any, error) {
	pool := aws.String(a.Pool)
	switch a.Kind {
	case settingsOf:
		out, err := s.Next.DescribeIdentityPool(ctx, &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: pool})
		if err != nil {
			return nil, err
		}
		return settings(out), nil
	case rolesOf:
		out, err := s.Next.GetIdentityPoolRoles(ctx, &cognitoidentity.GetIdentityPoolRolesInput{IdentityPoolId: pool})
		if err != nil {
			return nil, err
		}
		return []any{out.Roles, out.RoleMappings}, nil
	case tagsOf:
		out, err := s.Next.GetPrincipalTagAttributeMap(ctx, &cognitoidentity.GetPrincipalTagAttributeMapInput{
			IdentityPoolId: pool, IdentityProviderName: aws.String(a.Provider),
		})
		if err != nil {
			return nil, err
		}
		return []any{out.UseDefaults, out.PrincipalTags}, nil
	}
	return nil, fmt.Errorf("no part %q of a pool", a.Kind)
}

// settings are those of a pool that can change an answer: all but its name and labels.
func settings(out *cognitoidentity.DescribeIdentityPoolOutput) any {
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
	if text, err = json.Marshal(bare(tree)); err != nil {
		return poolState{}, fmt.Errorf("spell a pool: %w", err)
	}
	return sha256.Sum256(text), nil
}

// bare is a tree without members that say nothing: backends leave out, or send empty,
// what is not set. False says something: a pool's classic flow may be not set, and allowed.
func bare(tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		for name, member := range v {
			if member = bare(member); member == nil {
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
			v[i] = bare(v[i])
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
