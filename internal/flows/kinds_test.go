package flows_test

import (
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/flows"
)

// asks asks for the identity with one login and compares where the answer came from.
func (r *rig) asks(what, provider, token string, want flows.Outcome) {
	r.t.Helper()
	info := flows.CallInfo{}
	if _, err := r.askWith(&info, user, map[string]string{provider: token}); err != nil || info.Outcome != want {
		r.t.Errorf("%s: got %s, %v, want %s", what, info.Outcome, err, want)
	}
}

// Both keys of a user pool find what is kept for a login, and a fence of the login ends it.
func TestSpellingsOfAUserPoolShare(t *testing.T) {
	r := newRig(t)
	r.asks("first", userPool, "a1@web", flows.Miss)
	r.asks("a fresh token under the other key", newerPool, "a2@web", flows.Hit)
	r.asks("another client", newerPool, "a3@ios", flows.Miss)
	r.asks("another user", newerPool, "b1@web", flows.Miss)
	r.fence(cache.LoginScope(userPool, "a"))
	r.asks("after a fence", newerPool, "a2@web", flows.Miss)
	r.asks("another user, after it", userPool, "b1@web", flows.Hit)
}

// What is kept for a login goes to whom a pool can tell apart from others by no entry: an app
// has several names, and the pool lists one of them.
func TestWhomALoginWasMadeForIsInTheKey(t *testing.T) {
	r := newRig(t)
	r.asks("first", amazon, "a1@app+client", flows.Miss)
	r.asks("a fresh token", amazon, "a2@app+client", flows.Hit)
	r.asks("another client of the app", amazon, "a3@app+other", flows.Miss)
	r.asks("the app alone", amazon, "a4@app", flows.Miss)
	r.asks("of a plain OpenID provider the first counts", idp, "a1@app+client", flows.Miss)
	r.asks("so it is shared", idp, "a2@app+other", flows.Hit)
}
