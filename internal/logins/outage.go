package logins

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// serverError is the status of an answer that says nothing about what was asked: 429, or 500 and above.
type serverError int

func (s serverError) Error() string { return fmt.Sprintf("status %d", int(s)) }

// outage reports whether a question failed for what no token can bring about: it got no turn, or its
// provider gave no answer, throttles, or says itself that it fails. Any other failure may be due to
// the token, even where it says nothing about it.
func outage(err error) bool {
	if _, network := errors.AsType[net.Error](err); network {
		return true
	}
	if _, certificate := errors.AsType[*tls.CertificateVerificationError](err); certificate {
		return true
	}
	if _, server := errors.AsType[serverError](err); server {
		return true
	}
	if code, told := errors.AsType[graphError](err); told {
		return code.passes()
	}
	for _, one := range []error{errTime, errQueue, errPushedOut, errLeft} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}
