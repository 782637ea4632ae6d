package callers

import "context"

type contextKey struct{}

// With returns a context that carries the authenticated caller. A nil caller
// hides one that ctx may carry.
func With(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// From returns the caller that With put into ctx; false for nobody.
func From(ctx context.Context) (*Caller, bool) {
	c, _ := ctx.Value(contextKey{}).(*Caller)
	return c, c != nil
}
