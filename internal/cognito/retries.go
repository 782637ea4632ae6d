package cognito

import "context"

type withoutRetries struct{}

// WithoutRetries returns a context under which a backend's first answer is final: a refusal
// for a passing reason, such as throttling, is not tried again. It is for calls that hold up
// others until they are answered.
func WithoutRetries(ctx context.Context) context.Context {
	return context.WithValue(ctx, withoutRetries{}, true)
}

// Retries reports whether a call that was answered may be attempted again.
func Retries(ctx context.Context) bool { return ctx.Value(withoutRetries{}) == nil }
