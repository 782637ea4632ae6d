package cache

// A Flight names an exchange that one process of a fleet makes for all.
type Flight struct {
	Key Key
	// Stamp is of the key's home scope and its pool, with the epochs that the fleet has.
	// They are a part of the name, so that nobody takes how a flight failed that
	// began before a fence.
	Stamp Stamp
	// Fences says that the exchange makes fences for its own scopes, and so moves
	// their epochs: such flights take permits by their key alone.
	Fences bool
}

// Lock is the right to make a flight's exchange. It is kept up until Release, or until
// the context ends that it was taken with; a process that dies loses it in seconds.
type Lock interface {
	// Held reports whether nobody else can have the lock now.
	Held() bool
	// Release gives the lock back, and leaves for those who waited for it how the
	// exchange failed; nil: it did not, or that is no matter of theirs. held is false
	// where the lock had been lost before: another may have made the exchange too.
	Release(failure *Failure) (held bool)
}

// LockHolder names a lock that another process has.
type LockHolder string

// Failure is how an exchange failed, as those learn it who waited for it in other
// processes.
type Failure struct {
	Code, Message string
	ServerFault   bool // whose fault it is
	BackendDown   bool // what stands behind could not be asked, or did not answer
	// Tokens digests the logins that were sent: a refusal belongs to them.
	Tokens Key
}
