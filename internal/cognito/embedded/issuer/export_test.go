package issuer

import "context"

// Occupy takes a place to sign, as a signature under way does.
func (i *Issuer) Occupy(ctx context.Context) (leave func(), err error) {
	return func() { release(i.signing) }, acquire(ctx, i.signing)
}
