package flows

import (
	"github.com/cognito-broker/broker/internal/cache"
)

// maxRenewedOfHome is how many entries with one home scope are renewed ahead, as in a fleet: an app
// chooses the names of its classic sessions, and so can make any number of entries.
const maxRenewedOfHome = 16

// homeCounts counts entries by their home scopes, each up to maxRenewedOfHome. It has no lock of
// its own: whoever keeps the entries holds one.
type homeCounts map[cache.Scope]int

// add counts one more, if there may be.
func (h homeCounts) add(home cache.Scope) bool {
	if h[home] >= maxRenewedOfHome {
		return false
	}
	h[home]++
	return true
}

// remove counts one less.
func (h homeCounts) remove(home cache.Scope) {
	if h[home]--; h[home] <= 0 {
		delete(h, home)
	}
}
