// Package callers knows who a backend or an administrator is, and what it may do.
//
// A Registry finds a Caller by an access key or an API key; a Caller says in
// which pools it may do what, and which roles it may give them. Nobody is known
// by default, and nothing is permitted that was not granted. The package checks
// no signatures and knows no operations: who calls it does.
package callers

import (
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
	accountChars = 12
)

// Config describes one caller. Printing and marshalling it shows the name alone.
type Config struct {
	Name       string      // 1 to 64 of [\w+=,.@-]: it stands in ARNs and in refusals
	AccessKeys []AccessKey // at most two
	APIKeys    []Digest    // at most two; one key of either kind there must be
	Scopes     []Scope     // none: it may do nothing
	Pools      []string    // exact pool ids, or AnyPool; none: it may do nothing
	// PassRoles are the roles that it may give a pool: ARNs in which * stands for any
	// run of characters and ? for one, within one of the six parts; "*" alone for any.
	// Nil: any for a caller of AnyPool, none for others. Empty: none.
	PassRoles []string
}

// Registry knows callers. It is immutable and safe for concurrent use. A nil
// Registry knows nobody.
type Registry struct {
	byAccessKey map[string]*known
	apiKeys     []*known
	names       map[string]bool
}

// New makes callers users of an account, whose id has 12 digits. It refuses one
// without a name or without any key, with more than two of a kind, half an access
// key or an empty API key, whose name or key another has as well (a secret
// access key may be shared: it names nobody), or with an unknown scope, an empty
// pool, or a pattern of roles that none can match. Nothing of the configuration
// is kept but copies. Errors name callers by their place and repeat no key.
func New(account string, configs []Config) (*Registry, error) {
	if len(account) != accountChars || strings.Trim(account, "0123456789") != "" {
		return nil, errors.New("account: want 12 digits")
	}
	r := &Registry{byAccessKey: make(map[string]*known, len(configs)), names: make(map[string]bool, len(configs))}
	for i := range configs {
		if err := r.add(account, &configs[i]); err != nil {
			return nil, fmt.Errorf("caller %d: %w", i, err)
		}
	}
	return r, nil
}

func (r *Registry) add(account string, c *Config) error {
	if err := c.check(); err != nil {
		return err
	}
	if r.names[c.Name] {
		return errors.New("name: same as of another caller")
	}
	r.names[c.Name] = true
	return r.addKeys(c, newCaller(account, c))
}

func (c *Config) check() error {
	if !consists(c.Name, maxName, "_+=,.@-") {
		return errors.New(`name: want 1 to 64 characters of [\w+=,.@-]`)
	}
	if err := c.checkKeys(); err != nil {
		return err
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
	for i, pattern := range c.PassRoles {
		if err := checkRolePattern(pattern); err != nil {
			return fmt.Errorf("role to pass %d: %w", i, err)
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
