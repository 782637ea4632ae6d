package sts

// Fault is passing: a remote STS that gave no usable answer, or none, or asked to
// come again later. The same request may succeed then.
type Fault struct {
	// Throttled says that the STS has had enough of us.
	Throttled bool

	cause error
}

// Error tells what is for the log: nothing of the token or of the answer's body.
func (f *Fault) Error() string {
	if f.cause == nil {
		return errUnusable.Error()
	}
	return f.cause.Error()
}

// Unwrap gives the cause, which may be nil.
func (f *Fault) Unwrap() error { return f.cause }
