package flows_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

const foreign = "accounts.foreign.example" // a provider whose tokens are not proved here

// A token that only the backend can judge is its own proof, byte for byte, and
// no longer than it says itself.
func TestUnprovenTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		want := func(key, id, provider, token string) {
			t.Helper()
			if got, err := r.askAll(id, map[string]string{provider: token}); err != nil || got != key {
				t.Errorf("got %s %v, want %s", got, err, key)
			}
		}
		want("key1", user, foreign, "opaque")
		want("key1", user, foreign, "opaque")
		want("key2", user, foreign, "opaque2")
		want("key3", user, foreign+".org", "opaque")
		short := stating(10 * time.Minute)
		want("key4", user, foreign, short)
		want("key4", user, foreign, short)
		time.Sleep(10*time.Minute - time.Second)
		want("key4", user, foreign, short)
		time.Sleep(time.Second) // expired: the backend's to refuse
		want("key5", user, foreign, short)
		want("key6", user, foreign, short)
		want("key7", user, foreign, "opaque") // which that ended
	})
}

// The memo's answers to such tokens end with the tokens.
func TestConditionsOfTokens(t *testing.T) {
	for name, c := range map[string]struct {
		provider, token string
		at              time.Duration // from which on nothing is repeated; 0: until renewal is due
	}{
		"opaque":   {foreign, "opaque", 0},
		"stated":   {foreign, "10m", 10 * time.Minute},
		"our own":  {cognito.PassThrough, tokenOf(pool, user, "authenticated"), 10 * time.Minute},
		"no login": {"", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				memo := newMemo(t)
				in := &ci.GetCredentialsForIdentityInput{IdentityId: ptr(user)}
				if c.provider != "" {
					in.Logins = map[string]string{c.provider: c.token}
				}
				if c.token == "10m" {
					in.Logins[c.provider] = stating(10 * time.Minute)
				}
				info := &flows.CallInfo{}
				if _, err := r.GetCredentialsForIdentity(
					flows.WithCallInfo(t.Context(), info), in,
				); err != nil || info.Condition == nil {
					t.Fatalf("got %v, condition %v, want an answer that may be repeated", err, info.Condition != nil)
				}
				key := memo.Key([]byte("r"), 0, []byte("b"))
				memo.Put(key, time.Now(), info.Condition, []byte("body"))
				end := c.at
				if end == 0 {
					end = 36 * time.Minute
				}
				time.Sleep(end - time.Second)
				if body, _, _ := memo.Get(key, time.Now()); body == nil {
					t.Errorf("a second before %v: got nothing, want the answer", end)
				}
				time.Sleep(time.Second)
				if body, _, _ := memo.Get(key, time.Now()); body != nil {
					t.Errorf("at %v: got the answer, want nothing", end)
				}
			})
		})
	}
}

// Our own tokens are taken for what they say: pool and identity must be those
// of the call, and each way to have proved oneself is another key.
func TestPassThroughTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		other := "us-east-1:22222222-2222-4222-8222-222222222222"
		cached := map[string]bool{}
		for n, c := range []struct {
			token  string
			cached bool
		}{
			{tokenOf(pool, user, "authenticated", "p", "u"), true},
			{tokenOf(pool, user, "authenticated", "p", "v"), true},
			{tokenOf(pool, user, "authenticated", "p\x00u"), true},           // spelt otherwise than the first
			{tokenOf(pool, user, "authenticated", "p", "u", "team=a"), true}, // with a tag
			{tokenOf(pool, user, "authenticated", "p", "u", "team=b"), true},
			{tokenOf(pool, other, "authenticated", "p", "u"), false},
			{tokenOf("us-east-1:1", user, "authenticated", "p", "u"), false},
			{"no token of ours", false},
		} {
			info := &flows.CallInfo{}
			first, err := r.askWith(info, user, map[string]string{cognito.PassThrough: c.token})
			if err != nil || cached[first] {
				t.Errorf("token %d: got %s %v, want credentials of its own", n, first, err)
			}
			if (info.Condition != nil) != c.cached {
				t.Errorf("token %d: may be repeated: got %v, want %v", n, info.Condition != nil, c.cached)
			}
			cached[first] = true
			if !c.cached {
				continue
			}
			if again, err := r.askAll(user, map[string]string{cognito.PassThrough: c.token}); err != nil || again != first {
				t.Errorf("token %d again: got %s %v, want %s", n, again, err, first)
			}
		}
	})
}

// Several logins are one key, whatever their order, and each of them counts.
func TestKeysOfSeveralLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for n, tokens := range []map[string]string{
			{idp: "a1"}, {idp2: "a1"}, {idp: "a1", idp2: "a1"}, {idp: "a1", idp2: "b1"}, {idp: "b1", idp2: "a1"},
			{idp: "a1", foreign: "x"}, {idp: "a1", foreign: "y"}, {foreign: "x"},
			{idp: "a1", cognito.PassThrough: tokenOf(pool, user, "authenticated")},
		} {
			// Calls with several logins may link, so each ends what was there: only
			// the repetition can be served.
			want := fmt.Sprint("key", n+1)
			for range 2 {
				if got, err := r.askAll(user, tokens); err != nil || got != want {
					t.Errorf("logins %d: got %s %v, want %s", n, got, err, want)
				}
			}
		}
	})
}
