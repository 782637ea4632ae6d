package upstream_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito/upstream"
)

// ofTokens are all claims that any kind of provider may leave out, and some that none does.
var ofTokens = strings.Fields("iat exp nbf jti nonce at_hash c_hash auth_time origin_jti event_id sid")

const userPool = "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"

// Every claim matters but those that differ from token to token of a kind.
func TestMatters(t *testing.T) {
	d := backend(t, "").Directory()
	for name, passing := range map[string]string{
		provider:                        "iat exp nbf jti nonce at_hash c_hash auth_time sid",
		userPool:                        "iat exp jti nonce at_hash auth_time origin_jti event_id",
		"issuer-" + userPool:            "iat exp jti nonce at_hash auth_time origin_jti event_id",
		"localhost:9229/local_1AbCdEfG": "iat exp jti nonce at_hash auth_time origin_jti event_id",
		"accounts.google.com":           "iat exp nbf jti nonce at_hash c_hash",
		"appleid.apple.com":             "iat exp nonce at_hash c_hash auth_time",
		"graph.facebook.com":            "",
		"www.amazon.com":                "",
		"arn:aws:iam::000000000000:saml-provider/office": "",
	} {
		for _, claim := range ofTokens {
			if got, want := d.Matters(pool, name, claim), !slices.Contains(strings.Fields(passing), claim); got != want {
				t.Errorf("%s of %s: matters %v, want %v", claim, name, got, want)
			}
		}
		for _, claim := range []string{"sub", "aud", "azp", "email", "cognito:groups", "cognito:preferred_role", "", "EXP", "amr"} {
			if !d.Matters(pool, name, claim) {
				t.Errorf("%s of %s does not matter", claim, name)
			}
		}
	}
}

// A claim that a pool's mappings are known to name matters there, of whatever provider.
func TestMappedClaimsMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		claims := rapid.OneOf(rapid.SampledFrom(ofTokens), rapid.String())
		mapped := map[string][]string{
			pool:  rapid.SliceOfN(claims, 0, 5).Draw(rt, "claims"),
			other: rapid.SliceOfN(claims, 0, 5).Draw(rt, "claims of another pool"),
		}
		d := backend(t, "", func(c *upstream.Config) { c.Mapped = mapped }).Directory()
		plain := backend(t, "").Directory()
		name := rapid.SampledFrom([]string{
			provider, userPool, "accounts.google.com", "appleid.apple.com", "graph.facebook.com", "www.amazon.com",
			"arn:aws:iam::000000000000:saml-provider/office",
		}).Draw(rt, "provider")
		for of, named := range mapped {
			for _, claim := range append(slices.Clone(named), ofTokens...) {
				want := slices.Contains(named, claim) || plain.Matters(of, name, claim)
				if got := d.Matters(of, name, claim); got != want {
					rt.Fatalf("%q of %s in %s: matters %v, want %v", claim, name, of, got, want)
				}
			}
		}
	})
}
