package callers_test

import (
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/callers"
)

// A caller has keys of either kind, or both; while they rotate, two of each work.
func TestKeysOfACaller(t *testing.T) {
	signer, holder, both := other(), other(), other()
	signer.Name, signer.AccessKeys, signer.APIKeys = "signer", accessKeys("OLD", "SECRET-1", "NEW", "SECRET-2"), nil
	holder.Name, holder.AccessKeys, holder.APIKeys = "holder", nil, apiKeys("old", "new")
	r := registry(t, signer, holder, both)
	for id, secret := range map[string]string{"OLD": "SECRET-1", "NEW": "SECRET-2"} {
		if c, got, ok := r.ByAccessKey(id); !ok || c.Name() != "signer" || got != secret {
			t.Errorf("access key %s: got %v, %v, want signer by that key's own secret", id, c, ok)
		}
	}
	for _, key := range []string{"old", "new"} {
		if c, ok := r.ByAPIKey(key); !ok || c.Name() != "holder" {
			t.Errorf("api key %s: got %v, %v, want holder", key, c, ok)
		}
	}
	if c, ok := r.ByAPIKey("SECRET-key-of-other"); !ok || c.Name() != "other" {
		t.Errorf("the one with both: got %v, %v", c, ok)
	}
	if _, ok := r.ByAPIKey(""); ok {
		t.Error("the empty key: got somebody")
	}
}

// What is not there is said to be missing, not to be of another form.
func TestMissingKeysAreSaidToBe(t *testing.T) {
	for want, change := range map[string]func(c *callers.Config){
		"keys: are missing":                   func(c *callers.Config) { c.AccessKeys, c.APIKeys = nil, nil },
		"access key 0: the id is missing":     func(c *callers.Config) { c.AccessKeys[0].ID = "" },
		"access key 0: the secret is missing": func(c *callers.Config) { c.AccessKeys[0].Secret = "" },
		"api key 0: is empty":                 func(c *callers.Config) { c.APIKeys = apiKeys("") },
	} {
		c := other()
		change(&c)
		if _, err := callers.New(account, []callers.Config{c}); err == nil || err.Error() != "caller 0: "+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Whoever is told to wait is told whole seconds, and no fewer than it takes.
func TestSecondsToWait(t *testing.T) {
	for wait, want := range map[time.Duration]int{0: 1, 1: 1, time.Second: 1, time.Second + 1: 2, 90 * time.Second: 90} {
		if got := (&callers.TooOften{Wait: wait}).Seconds(); got != want {
			t.Errorf("%v: got %d, want %d", wait, got, want)
		}
	}
}

func TestNewWantsAnAccount(t *testing.T) {
	for _, account := range []string{"", "1", "00000000000a", "0000000000000"} {
		if r, err := callers.New(account, nil); err == nil || r != nil {
			t.Errorf("%q: got no refusal", account)
		}
	}
}
