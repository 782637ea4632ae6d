package config

import (
	"crypto/sha256"
	"strings"
)

const (
	maxCallers = 1000
	// Bounds of what a caller may pass.
	maxPassRoles, maxRolePattern = 100, 1024
)

func (c *Config) checkCallers() error {
	if len(c.Callers) > maxCallers {
		return refuse("callers", "is too long", "at most 1000 callers")
	}
	// Where each name and key stands, so that none stands in two places.
	names, accessKeys, apiKeys := map[string]string{}, map[string]string{}, map[[sha256.Size]byte]string{}
	for i := range c.Callers {
		path, a := at("callers", i), &c.Callers[i]
		if err := a.check(path); err != nil {
			return err
		}
		if other, taken := names[a.Name]; taken {
			return refuse(path+".name", "is that of "+other, "a name of its own")
		}
		names[a.Name] = path
		for _, k := range a.accessKeys(path) {
			if other, taken := accessKeys[k.id]; taken {
				return refuse(k.idPath, "is that of "+other, "one of its own")
			}
			accessKeys[k.id] = path
		}
		for _, k := range a.apiKeys(path) {
			if other, taken := apiKeys[k.digest]; taken {
				return refuse(k.path, "is that of "+other, "one of its own")
			}
			apiKeys[k.digest] = path
		}
	}
	return nil
}

func (a *Caller) check(path string) error {
	return firstOf(
		func() error { return present(path+".name", a.Name != "", expectedCallerName) },
		func() error { return form(path+".name", consists(a.Name, wordRunes+".-", 1, 64), expectedCallerName) },
		func() error { return a.checkKeys(path) },
		func() error { return a.checkScopes(path + ".scopes") },
		func() error { return callerPools(path+".pools", a.Pools) },
		func() error { return rolePatterns(path+".pass_roles", a.PassRoles) },
	)
}

const expectedCallerName = "1 to 64 letters, digits, _ . -"

// present tells what is missing from what has the wrong form.
func present(path string, given bool, expected string) error {
	if !given {
		return refuse(path, "is missing", expected)
	}
	return nil
}

func (a *Caller) checkScopes(path string) error {
	const expected = "at least one of developer, admin, explain"
	if err := present(path, a.Scopes != nil, expected); err != nil {
		return err
	}
	if len(a.Scopes) == 0 {
		return refuse(path, "is empty", expected)
	}
	for i, s := range a.Scopes {
		if err := oneOf(at(path, i), s, ScopeDeveloper, ScopeAdmin, ScopeExplain); err != nil {
			return err
		}
	}
	return unique(path, a.Scopes)
}

func callerPools(path string, pools []string) error {
	const expected = `pool ids, or "*" for all`
	if err := present(path, pools != nil, expected); err != nil {
		return err
	}
	if len(pools) == 0 {
		return refuse(path, "is empty", expected)
	}
	for i, p := range pools {
		if p == AnyPool && len(pools) > 1 {
			return refuse(at(path, i), "makes the other pools needless", `pool ids, or "*" alone for all`)
		}
		if p != AnyPool && !validPoolID(p) {
			return refuse(at(path, i), "is not a pool id", expectedPoolID+`, or "*" for all`)
		}
	}
	return unique(path, pools)
}

// rolePatterns checks the roles that a caller may pass.
func rolePatterns(path string, patterns []string) error {
	if len(patterns) > maxPassRoles {
		return refuse(path, "is too long", "at most 100 ARNs")
	}
	for i, p := range patterns {
		if !rolePattern(p) {
			return refuse(at(path, i), "is not the ARN of a role",
				`arn:aws:iam::<account>:role/<name>, with * and ? where it may be any, or "*" for all`)
		}
	}
	return unique(path, patterns)
}

// rolePattern tells patterns that the ARN of some role could match: six parts, the
// first without wildcards, the last one a role's.
func rolePattern(text string) bool {
	parts := strings.SplitN(text, ":", 6)
	if text == "*" {
		return true
	}
	if len(text) > maxRolePattern || len(parts) < 6 || parts[0] != "arn" || parts[5] == "" ||
		strings.ContainsFunc(text, notVisible) {
		return false
	}
	const role = "role/"
	fixed := parts[5]
	if i := strings.IndexAny(fixed, "*?"); i >= 0 {
		fixed = fixed[:i]
	}
	return strings.HasPrefix(fixed, role) || strings.HasPrefix(role, fixed)
}
