package awswire

const maxRequestID = 128

// answeredID is the request id of an answer to err: that of the service which
// refused, where one did, so that callers can name the call to whoever runs it;
// else ours. An id that is not one of 1 to 128 letters, digits and hyphens is
// none.
func answeredID(ours string, err error) string {
	if id := upstreamID(err); id != "" {
		return id
	}
	return ours
}

// upstreamID walks err's tree by itself: an error of a service that knows no id
// may wrap the one that does.
func upstreamID(err error) string {
	if e, ok := err.(interface{ ServiceRequestID() string }); ok && isRequestID(e.ServiceRequestID()) {
		return e.ServiceRequestID()
	}
	switch e := err.(type) { //nolint:errorlint // it walks the tree by itself
	case interface{ Unwrap() error }:
		return upstreamID(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			if id := upstreamID(part); id != "" {
				return id
			}
		}
	}
	return ""
}

func isRequestID(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= maxRequestID
}
