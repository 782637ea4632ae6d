package flows

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/logins"
)

// subject is a call of which everything is known that its cache key needs: it
// may be served from the cache.
type subject struct {
	key      cache.Key
	pool     string
	identity cache.Scope
	// The epochs of identity and pool, read before all that the answer rests on.
	identityStamp, poolStamp cache.Stamp
	proofs                   []cache.Holder
	// tokens digests the logins byte for byte: a refusal belongs to them.
	tokens cache.Key
	// links says that the call may link a login, and so must be fenced.
	links bool
}

func (sub *subject) readEpochs(e *cache.Epochs) {
	sub.identityStamp, sub.poolStamp = e.Read(sub.identity), e.Read(cache.PoolScope(sub.pool))
}

// stamp is of all epochs that the answer rests on.
func (sub *subject) stamp() cache.Stamp { return cache.Join(sub.identityStamp, sub.poolStamp) }

// identify proves the call's logins and names its entry. ok is false when the
// call is not for the cache: its identity is unknown or a login could not be
// proved. The backend then answers it, with its own error.
func (s *Service) identify(ctx context.Context, pool string, guest bool, in *cognitoidentity.GetCredentialsForIdentityInput) (sub subject, ok bool) {
	id := aws.ToString(in.IdentityId)
	sub.pool, sub.identity = pool, cache.IdentityScope(id)
	sub.readEpochs(s.Epochs)
	domain, fields := cache.DomainGuest, []string{"enhanced", pool, id, aws.ToString(in.CustomRoleArn)}
	var tokens []string
	if len(in.Logins) > 0 {
		domain = cache.DomainLogin
	}
	for _, provider := range slices.Sorted(maps.Keys(in.Logins)) {
		proof, err := s.Prover.Prove(ctx, provider, in.Logins[provider])
		if err != nil {
			return subject{}, false
		}
		claims, err := s.claims(pool, proof)
		if err != nil {
			return subject{}, false
		}
		fields = append(fields, provider, proof.Subject, proof.ClientID, claims)
		tokens = append(tokens, provider, in.Logins[provider])
		sub.proofs = append(sub.proofs, proof)
	}
	sub.key = s.Names.Key(domain, fields...)
	sub.tokens = s.Names.Key("tokens", tokens...)
	sub.links = len(in.Logins) > 0 && (guest || len(in.Logins) > 1)
	return sub, true
}

// claims spells those claims that can change the answer.
func (s *Service) claims(pool string, proof *logins.Proof) (string, error) {
	type claim struct {
		Name  string
		Value any
	}
	var named []claim
	for _, name := range s.Directory.KeyClaims(pool, proof.Provider) {
		if value, ok := proof.Claim(name); ok {
			named = append(named, claim{name, value})
		}
	}
	text, err := json.Marshal(named)
	if err != nil {
		return "", fmt.Errorf("spell claims: %w", err)
	}
	return string(text), nil
}
