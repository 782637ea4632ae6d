package flight

import (
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
)

import "github.com/cognito-broker/broker/internal/cache"

// maxFailure bounds the texts of a failure, in bytes; one with longer texts is not left.
const maxFailure = 4096

// sealFailure seals how a flight failed, for its name; nothing where it did not.
func (l *Locks) sealFailure(name string, failure *cache.Failure) []byte {
	if failure == nil || len(failure.Code)+len(failure.Message) > maxFailure {
		return nil
	}
	return l.codec.Seal.Seal(nil, codec.PackFailure(failure), name)
}

// openFailure opens what a lock's holder left; nil where that is nothing, or does not open.
func (l *Locks) openFailure(name, blob string) *cache.Failure {
	if blob == "" {
		return nil
	}
	plain, err := l.codec.Seal.Open([]byte(blob), name)
	if err != nil {
		l.codec.OpenFailed()
		return nil
	}
	failure, ok := codec.UnpackFailure(plain)
	if !ok {
		l.codec.OpenFailed()
		return nil
	}
	return failure
}
