package fleet

import "github.com/cognito-broker/broker/internal/cache"

// maxFailure bounds the texts of a failure; longer ones are left to nobody.
const maxFailure = 4096

// sealFailure seals how a flight failed, for its name; nothing where it did not.
func (f *Fleet) sealFailure(name string, failure *cache.Failure) []byte {
	if failure == nil || len(failure.Code)+len(failure.Message) > maxFailure {
		return nil
	}
	return f.seal.Seal(nil, packFailure(failure), name)
}

// openFailure opens what a holder left; nil where that is nothing, or does not open.
func (f *Fleet) openFailure(name, blob string) *cache.Failure {
	if blob == "" {
		return nil
	}
	plain, err := f.seal.Open([]byte(blob), name)
	if err != nil {
		f.observe.OpenFailed()
		return nil
	}
	failure, ok := unpackFailure(plain)
	if !ok {
		f.observe.OpenFailed()
		return nil
	}
	return failure
}

// packFailure spells what of a failure is sealed.
func packFailure(f *cache.Failure) []byte {
	b := append([]byte{0}, f.Tokens[:]...)
	if f.ServerFault {
		b[0] |= 1
	}
	if f.BackendDown {
		b[0] |= 2
	}
	return appendTexts(b, f.Code, f.Message)
}

// unpackFailure reads what packFailure spelt.
func unpackFailure(b []byte) (*cache.Failure, bool) {
	f := &cache.Failure{}
	if len(b) < 1+len(f.Tokens) {
		return nil, false
	}
	f.ServerFault, f.BackendDown = b[0]&1 != 0, b[0]&2 != 0
	copy(f.Tokens[:], b[1:])
	ok := readTexts(b[1+len(f.Tokens):], &f.Code, &f.Message)
	return f, ok
}
