package flows

import (
	"context"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
)

// login is a user of a provider whom a call proved, or a backend vouched for.
type login struct{ provider, subject string }

// concerned are the scopes that a call may change which names an identity, if any,
// and comes with these logins: linking moves logins, and merging ends identities
// that the call does not name.
func (s *Service) concerned(ctx context.Context, pool, id string, logins []login) ([]cache.Scope, error) {
	var scopes []cache.Scope // each once: a fence over a scope twice would disturb itself
	if id != "" {
		scopes = append(scopes, cache.IdentityScope(id))
	}
	for _, l := range logins {
		owner, ok, err := s.Directory.Owner(ctx, pool, l.provider, l.subject)
		if err != nil {
			return nil, err
		}
		if scope := cache.IdentityScope(owner); ok && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes, nil
}

// proven are those of a call's logins that can be proved here.
func (s *Service) proven(ctx context.Context, tokens map[string]string) []login {
	var logins []login
	for provider, token := range tokens {
		if !s.Prover.Known(provider) {
			continue
		}
		if proof, err := s.Prover.Prove(ctx, provider, token); err == nil {
			logins = append(logins, login{provider, proof.Subject})
		}
	}
	return logins
}

// owned notes whose the logins of a call are that was answered.
func (s *Service) owned(pool, id string, logins []login) {
	for _, l := range logins {
		s.Directory.Owns(pool, l.provider, l.subject, id)
	}
}

// linking makes a call that comes with logins; where it may link one of them, within
// a fence around all that it may change.
func linking[T any](ctx context.Context, s *Service, links bool, pool, id string, logins []login, call func(context.Context) (T, error)) (T, error) {
	if !links {
		return call(ctx)
	}
	scopes, err := s.concerned(ctx, pool, id, logins)
	if err != nil {
		var none T
		return none, err
	}
	return fenced(ctx, s, scopes, call)
}

// withheld is the answer, unless what it tells could not be made to hold.
func withheld[T any](out *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}

// without are the scopes that a fence did not cover.
func without(scopes, covered []cache.Scope) []cache.Scope {
	return slices.DeleteFunc(slices.Clone(scopes), func(s cache.Scope) bool { return slices.Contains(covered, s) })
}

func scopesOf(identities []string) []cache.Scope {
	var scopes []cache.Scope
	for _, id := range identities {
		scopes = append(scopes, cache.IdentityScope(id))
	}
	return scopes
}
