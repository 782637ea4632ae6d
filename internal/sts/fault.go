package sts

// Fault is a passing failure of a remote STS: it gave no usable answer, or none, or
// throttled the call. The same request may succeed later.
type Fault struct {
	// Throttled says that the STS refused the call for coming too often.
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
