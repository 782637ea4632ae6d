package redisconn_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// Rights are tried at the start, and again when something tells that they may have changed:
// a connection that was made, a right that lacks, something that was refused. Not more
// often than every second.
func TestWhenRightsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		happens      func(*redisconn.RightsCheck)
		soon         bool // due at once
		due          bool // after a second
		lacks        string
		unnamedLater bool // refused, and a trial afterwards finds nothing that lacks
	}{
		"nothing was tried": {func(*redisconn.RightsCheck) {}, true, true, "", false},
		"all was there":     {func(r *redisconn.RightsCheck) { r.Finished() }, false, false, "", false},
		"connected before":  {func(r *redisconn.RightsCheck) { r.Dialed(); r.Finished() }, false, false, "", false},
		"connected since":   {func(r *redisconn.RightsCheck) { r.Finished(); r.Dialed() }, false, true, "", false},
		"rights lack":       {func(r *redisconn.RightsCheck) { r.Finished("+get", "&b:*") }, false, true, "+get &b:*", false},
		"refused since":     {func(r *redisconn.RightsCheck) { r.Finished(); time.Sleep(time.Nanosecond); r.Refused() }, false, true, "", true},
		"refused before":    {func(r *redisconn.RightsCheck) { r.Refused(); time.Sleep(time.Nanosecond); r.Finished() }, false, false, "", true},
		"refused for what is back": {func(r *redisconn.RightsCheck) {
			r.Refused()
			time.Sleep(time.Nanosecond)
			r.Finished("+get")
			r.Finished()
		}, false, false, "", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var r redisconn.RightsCheck
			c.happens(&r)
			if got := r.Due(); got != c.soon {
				t.Errorf("%s: at once: got due %v, want %v", name, got, c.soon)
			}
			if got := r.MissingRules(); got != c.lacks {
				t.Errorf("%s: got %q lacking, want %q", name, got, c.lacks)
			}
			time.Sleep(time.Second)
			if got := r.Due(); got != c.due {
				t.Errorf("%s: after a second: got due %v, want %v", name, got, c.due)
			}
			if r.MissingRules() != "" {
				return
			}
			if got, want := r.Unexplained(), name == "refused before"; got != want {
				t.Errorf("%s: before a trial: got refused for want of a right without a name: %v, want %v", name, got, want)
			}
			r.Finished()
			if got := r.Unexplained(); got != c.unnamedLater {
				t.Errorf("%s: got refused for want of a right without a name: %v, want %v", name, got, c.unnamedLater)
			}
			time.Sleep(5 * time.Second)
			if r.Unexplained() {
				t.Errorf("%s: five seconds later: got it refused still", name)
			}
		})
	}
}
