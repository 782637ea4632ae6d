package cognito

import "errors"

// IsUnsettled reports whether Unsettled marks err.
func IsUnsettled(err error) bool {
	m, ok := errors.AsType[*marked](err)
	return ok && !m.unsent
}
