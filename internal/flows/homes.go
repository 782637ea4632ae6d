package flows

import "github.com/cognito-broker/broker/internal/cache"

// maxRenewed is how many entries with one home are renewed ahead, as in a fleet: an app
// chooses the names of its classic sessions, and so can make any number of entries.
const maxRenewed = 16

// homes counts entries by their homes, each up to maxRenewed. What keeps the entries
// guards it.
type homes map[cache.Scope]int

// enter counts one more, if there may be.
func (h homes) enter(home cache.Scope) bool {
	if h[home] >= maxRenewed {
		return false
	}
	h[home]++
	return true
}

// leave counts one less.
func (h homes) leave(home cache.Scope) {
	if h[home]--; h[home] <= 0 {
		delete(h, home)
	}
}
