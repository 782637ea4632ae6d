// Package callers knows who a backend or an administrator is, and what it may do.
//
// A Registry finds a Caller by its access key or its API key; a Caller says in
// which pools it may do what. Nobody is known by default, and nothing is
// permitted that was not granted. The package checks no signatures and knows no
// operations: who calls it does.
package callers

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// Scope is a kind of work that a caller may do.
type Scope string

// The scopes.
const (
	Developer Scope = "developer" // identities of the backend's own users
	Admin     Scope = "admin"     // pools, roles, identities
	Explain   Scope = "explain"   // why a login gets what it gets
)

// AnyPool stands among a caller's pools for all of them.
const AnyPool = "*"

// Bounds of what identifies a caller.
const (
	maxName      = 64
	maxAccessKey = 128
	maxAPIKey    = 1024
)

// Config describes one caller. Printing and marshalling it shows the name alone.
type Config struct {
	Name            string   // 1 to 64 of [\w+=,.@-]: it stands in ARNs and in refusals
	AccessKeyID     string   // 1 to 128 of [\w]
	SecretAccessKey string   // proves signatures by the access key
	APIKey          string   // at most 1024 bytes
	Scopes          []Scope  // none: it may do nothing
	Pools           []string // exact pool ids, or AnyPool; none: it may do nothing
}

// Registry knows callers. It is immutable and safe for concurrent use. A nil
// Registry knows nobody.
type Registry struct {
	byAccessKey map[string]*Caller
	callers     []*Caller
	digests     [][sha256.Size]byte // of API keys, in the order of callers
}

// New refuses a caller that lacks a name, an access key, a secret or an API key,
// that shares one of them but the secret with another, or that has an unknown
// scope or an empty pool. Nothing of the configuration is kept but copies.
// Errors name callers by their place and repeat no key.
func New(configs []Config) (*Registry, error) {
	r := &Registry{byAccessKey: make(map[string]*Caller, len(configs))}
	for i := range configs {
		if err := r.add(&configs[i]); err != nil {
			return nil, fmt.Errorf("caller %d: %w", i, err)
		}
	}
	return r, nil
}

func (r *Registry) add(c *Config) error {
	if err := c.check(); err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(c.APIKey))
	for i, other := range r.callers {
		switch {
		case other.name == c.Name:
			return fmt.Errorf("name: same as of caller %d", i)
		case r.digests[i] == digest:
			return fmt.Errorf("api key: same as of caller %d", i)
		}
	}
	if _, twice := r.byAccessKey[c.AccessKeyID]; twice {
		return errors.New("access key id: same as of another caller")
	}
	caller := newCaller(c)
	r.byAccessKey[c.AccessKeyID] = caller
	r.callers = append(r.callers, caller)
	r.digests = append(r.digests, digest)
	return nil
}

func (c *Config) check() error {
	switch {
	case !consists(c.Name, maxName, "_+=,.@-"):
		return errors.New(`name: want 1 to 64 characters of [\w+=,.@-]`)
	case !consists(c.AccessKeyID, maxAccessKey, "_"):
		return errors.New(`access key id: want 1 to 128 characters of [\w]`)
	case c.SecretAccessKey == "":
		return errors.New("secret access key: is empty")
	case c.APIKey == "" || len(c.APIKey) > maxAPIKey:
		return errors.New("api key: want 1 to 1024 bytes")
	}
	for i, scope := range c.Scopes {
		if scope != Developer && scope != Admin && scope != Explain {
			return fmt.Errorf("scope %d: is none of %s, %s, %s", i, Developer, Admin, Explain)
		}
	}
	for i, pool := range c.Pools {
		if pool == "" {
			return fmt.Errorf("pool %d: is empty", i)
		}
	}
	return nil
}

// consists says whether s has 1 to most characters, letters, digits and those
// of others.
func consists(s string, most int, others string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= most
}

// ByAccessKey finds a caller by its access key id, which is public: who claims
// it has still to prove that he holds the secret.
func (r *Registry) ByAccessKey(id string) (*Caller, bool) {
	if r == nil {
		return nil, false
	}
	c, ok := r.byAccessKey[id]
	return c, ok
}

// ByAPIKey finds a caller by its API key, which is proof. How long it takes
// depends on the length of key and on how many callers there are, never on
// their keys. Keys longer than 1024 bytes are nobody's.
func (r *Registry) ByAPIKey(key string) (*Caller, bool) {
	if r == nil || len(key) > maxAPIKey {
		return nil, false
	}
	digest := sha256.Sum256([]byte(key))
	found := -1
	for i := range r.digests {
		equal := subtle.ConstantTimeCompare(digest[:], r.digests[i][:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 {
		return nil, false
	}
	return r.callers[found], true
}
