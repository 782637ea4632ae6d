package contract

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	claimTags    = "https://aws.amazon.com/tags"
	claimPoolARN = "https://cognito-identity.amazonaws.com/identity-pool-arn"
)

// claims verifies a token, judges its header and times, and returns what else it
// claims (docs/cognito.md#the-openid-token).
func (s *scene) claims(token string, life int64) map[string]any {
	s.Helper()
	c, err := s.VerifyToken(s.Context(), token)
	if err != nil {
		s.Fatalf("the token does not verify: %v", err)
	}
	first, _, _ := strings.Cut(token, ".")
	header, err := base64.RawURLEncoding.DecodeString(first)
	if want := regexp.MustCompile(`^\{"kid":"` + regexp.QuoteMeta(s.Region) +
		`-?\d+","typ":"JWS","alg":"RS512"\}$`); err != nil || !want.Match(header) {
		s.Errorf("header: got %s, want %v", header, want)
	}
	issued, _ := c["iat"].(float64)
	expires, _ := c["exp"].(float64)
	if got := int64(expires - issued); got != life {
		s.Errorf("life: got %d s, want %d", got, life)
	}
	if age := time.Since(time.Unix(int64(issued), 0)); age < -time.Second || age > time.Minute {
		s.Errorf("iat: got a token issued %v ago, want now", age)
	}
	delete(c, "iat")
	delete(c, "exp")
	return c
}

// claim compares all claims of a token but its times. How the amr of several
// logins is ordered is open; authenticated comes first.
func claim(s *scene, what, token string, life int64, want map[string]any) {
	s.Helper()
	got := s.claims(token, life)
	amr, _ := got["amr"].([]any)
	if len(amr) > 1 {
		slices.SortFunc(amr[1:], func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	if list := want["amr"].([]string); len(list) > 1 {
		slices.Sort(list[1:])
	}
	want["iss"] = s.Issuer
	s.equal(what, spellJSON(s, got), spellJSON(s, want))
}

// ofUser are the claims of an authenticated identity's token.
func ofUser(s *scene, pool, id string, logins ...string) map[string]any {
	return map[string]any{
		"sub": id, "aud": pool, "amr": append([]string{"authenticated"}, logins...),
		claimPoolARN: "arn:aws:cognito-identity:" + s.Region + ":" + s.Account + ":identitypool/" + pool,
	}
}

// oidc is how an amr names a user of a provider.
func (s *scene) oidc(provider int, user string) []string {
	return []string{s.Providers[provider].Name(), s.providerARN(provider) + ":OIDC:" + user}
}

// ofDeveloper is how an amr names a backend's user.
func ofDeveloper(pool, user string) []string {
	return []string{DeveloperProvider, DeveloperProvider + ":" + pool + ":" + user}
}

// tokenClaims tests docs/cognito.md#the-openid-token for tokens of GetOpenIdToken.
func tokenClaims(s *scene) {
	open, alice := s.Pools.Open, s.someone()
	id := s.guest()
	claim(s, "a guest", s.token(id, nil), 600, map[string]any{"sub": id, "aud": open, "amr": []string{"unauthenticated"}})
	one, two := s.oidc(0, alice), s.oidc(1, alice)
	claim(s, "a user", s.token(id, s.login(alice)), 600, ofUser(s, open, id, one...))
	claim(s, "two logins", s.token(id, s.both(alice, alice)), 600, ofUser(s, open, id, slices.Concat(one, two)...))
	claim(s, "one of two", s.token(id, s.loginAt(1, alice)), 600, ofUser(s, open, id, two...))
	if _, err := s.VerifyToken(s.Context(), altered(s.token(id, s.login(alice)))); err == nil {
		s.Error("an altered token: got a verifier that takes it, want one that does not")
	}
}

// classicRefusals tests docs/cognito.md#flows: what stands before the guest's permission,
// and in which order.
func classicRefusals(s *scene) {
	alice := s.someone()
	id := s.identity(s.Pools.Closed, s.login(alice))
	call := func(id string, logins map[string]string) string {
		_, _, refusal := s.openIDToken(id, logins)
		return refusal
	}
	s.equal("classic off", call(id, s.login(alice)), classicOff)
	s.equal("classic off, a bare id", call(id, nil), classicOff)
	s.equal("classic off, a bad token", call(id, map[string]string{s.Providers[0].Name(): "x"}), classicOff)
	s.equal("classic off, no such identity", call(s.unknown(), nil), noIdentity(s.unknown()))

	pool := s.pool(func(in *createInput) { in.AllowClassicFlow = aws.Bool(true) })
	id = s.identity(pool, s.login(alice))
	s.equal("classic on", call(id, s.login(alice)), "")
	mappings := ruled(s, s.providerARN(0), unchanged)
	s.must("SetIdentityPoolRoles", s.setRoles(pool, usualRoles(s), mappings))
	s.must("UpdateIdentityPool", updated(s, whole(s, pool, func(in *updateInput) {
		in.AllowUnauthenticatedIdentities = false
	})))
	s.equal("mappings", call(id, s.login(alice)), classicMaps)
	s.equal("mappings, no guests, a bare id", call(id, nil), classicMaps)
	changed := whole(s, pool, func(in *updateInput) { in.AllowClassicFlow = aws.Bool(false) })
	s.must("UpdateIdentityPool", updated(s, changed))
	s.equal("classic off before mappings", call(id, nil), classicOff)
	s.must("UpdateIdentityPool", updated(s, whole(s, pool, func(in *updateInput) { in.AllowClassicFlow = nil })))
	s.must("SetIdentityPoolRoles", s.setRoles(pool, usualRoles(s), nil))
	s.equal("classic unset", call(id, s.login(alice)), "")
}
