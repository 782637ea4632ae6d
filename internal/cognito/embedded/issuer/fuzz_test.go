package issuer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
)

// Verify never panics, refuses by *Invalid, and accepts nothing but what Sign
// made.
func FuzzVerify(f *testing.F) {
	c := newClock()
	i := start(f, config(stocked(f, c.now()), c.now))
	user := claims(c.now())
	user.PoolARN, user.Tags = arn, map[string]string{"team": "blue"}
	made := []string{sign(f, i, claims(c.now())), sign(f, i, user)}
	for _, token := range made {
		parts := strings.Split(token, ".")
		for _, seed := range []string{
			token, token + "\n", token + "=", token + ".", token[1:], parts[0] + "." + parts[1] + ".",
			parts[0] + ".." + parts[2], b64(`{"alg":"none"}`) + "." + parts[1] + ".",
			b64(ours) + "." + b64(good) + "." + parts[2], b64(`{"kid":"us-east-1-1","kid":1}`) + "." + b64("{") + "." + b64(""),
		} {
			f.Add(seed)
		}
	}
	f.Add("")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := i.Verify(token)
		if err == nil {
			if token != made[0] && token != made[1] {
				t.Error("accepted a token that Sign did not make")
			}
			return
		}
		if _, ok := errors.AsType[*issuer.Invalid](err); !ok || claims != nil {
			t.Errorf("got %T and claims %v, want *Invalid and none", err, claims != nil)
		}
	})
}

// Of what our key signed, Verify believes only what Sign can say.
func FuzzSignedPayload(f *testing.F) {
	c := newClock()
	m := stocked(f, c.now())
	i := start(f, config(m, c.now))
	for _, payload := range []string{
		good, with(`"sub":1`), with(`"new":{"a":[1,2]}`),
		with(`"https://aws.amazon.com/tags":{"principal_tags":{"a":["1"],"b":[""]}}`),
		with(`"https://cognito-identity.amazonaws.com/identity-pool-arn":"x"`), "{}", "[]", "null", "", "{" + good,
		good + good,
		strings.Replace(good, "1790000600", "9223372036854775807", 1),
		strings.Replace(good, "1790000000", "-9223372036854775808", 1),
		strings.Replace(good, `"authenticated"`, `null`, 1), with(`"https://aws.amazon.com/tags":{"principal_tags":{}}`),
		with(`"https://aws.amazon.com/tags":{"principal_tags":{"a":[null]}}`),
	} {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		believed, err := i.Verify(craft(t, m, ours, payload))
		if err != nil {
			if _, ok := errors.AsType[*issuer.Invalid](err); !ok {
				t.Errorf("got %T, want *Invalid", err)
			}
			return
		}
		again, err := i.Verify(sign(t, i, *believed))
		if err != nil {
			t.Fatalf("believed what Sign makes no good token of: %v", err)
		}
		if len(believed.Tags) == 0 {
			believed.Tags = nil
		}
		if diff := cmp.Diff(believed, again); diff != "" {
			t.Errorf("claims changed (-first +second):\n%s", diff)
		}
	})
}
