package cache

// DeferredEnd is a scope that ends later: when a call that may have outdated it, of which nobody
// knows what it did, cannot be made any more.
type DeferredEnd struct {
	Scope    Scope
	Identity string // whom the call named
}
