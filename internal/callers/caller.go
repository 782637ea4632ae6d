package callers

// Caller is an authenticated backend or administrator. It holds no key, is
// immutable and safe for concurrent use. A nil Caller may do nothing.
type Caller struct {
	name    string
	account string
	scopes  map[Scope]bool
	pools   map[string]bool
	passes  []rolePattern
}

func newCaller(account string, c *Config) *Caller {
	caller := &Caller{
		name: c.Name, account: account,
		scopes: make(map[Scope]bool, len(c.Scopes)), pools: make(map[string]bool, len(c.Pools)),
	}
	for _, scope := range c.Scopes {
		caller.scopes[scope] = true
	}
	for _, pool := range c.Pools {
		caller.pools[pool] = true
	}
	roles := c.PassRoles
	if roles == nil && caller.pools[AnyPool] {
		roles = []string{anyRole}
	}
	for _, pattern := range roles {
		caller.passes = append(caller.passes, newRolePattern(pattern))
	}
	return caller
}

// Name is the caller's name, which is no secret.
func (c *Caller) Name() string { return c.name }

// ARN names the caller as IAM names a user of the account.
func (c *Caller) ARN() string { return "arn:aws:iam::" + c.account + ":user/" + c.name }

// Account is the id of the account that the caller is a user of.
func (c *Caller) Account() string { return c.account }

// Has reports whether the caller has a scope, in whatever pools.
func (c *Caller) Has(scope Scope) bool { return c != nil && c.scopes[scope] }

// May reports whether the caller may do work of a scope in a pool. An empty pool
// stands for what concerns no single pool: that takes AnyPool.
func (c *Caller) May(scope Scope, pool string) bool {
	return c.Has(scope) && (c.pools[AnyPool] || pool != "" && c.pools[pool])
}

// MayPass reports whether the caller may give a pool the role with this ARN, as
// iam:PassRole allows it. Scope and pool are for May to judge.
func (c *Caller) MayPass(role string) bool {
	if c == nil {
		return false
	}
	for _, p := range c.passes {
		if p.matches(role) {
			return true
		}
	}
	return false
}

// MayPassEvery reports whether the caller may give a pool every role of the
// account: whoever lets others choose the role needs that.
func (c *Caller) MayPassEvery() bool {
	if c == nil {
		return false
	}
	for _, p := range c.passes {
		if p.matchesEvery(c.account) {
			return true
		}
	}
	return false
}
