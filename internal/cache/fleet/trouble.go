package fleet

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// trouble is what is wrong with a server, as its answers tell, or their absence.
type trouble int32

// Up to refusing, a server answers nothing; up to unsaved, it does not take what is
// written; one that is unconfirmed does, and is not believed. What it forbids costs nobody time, and others nothing.
const (
	well trouble = iota
	unreachable
	busy
	loading
	failingOver
	refusing
	readOnly
	full
	unsaved
	unconfirmed
	forbidding
)

// String is the trouble in words for operators.
func (t trouble) String() string {
	switch t {
	case unreachable:
		return "unreachable"
	case busy:
		return "busy: it takes no more clients, or a script blocks it"
	case loading:
		return "loading its data"
	case failingOver:
		return "failing over"
	case refusing:
		return "refuses the broker's user or password"
	case readOnly:
		return "read-only"
	case full:
		return "full"
	case unsaved:
		return "refuses writes that it could not save or replicate"
	case unconfirmed:
		return "cut off from its replicas"
	case forbidding:
		return "does not let the broker's user do what it must"
	}
	return "well"
}

// ofAnswers reports whether the server answers nothing.
func (t trouble) ofAnswers() bool { return t != well && t <= refusing }

// ofWrites reports whether the server only refuses writes.
func (t trouble) ofWrites() bool { return t > refusing && t <= unsaved }

// replies are how Redis's errors begin that tell a trouble. Others say nothing about
// the server.
var replies = []struct {
	begins string
	trouble
}{
	{"LOADING", loading}, {"MASTERDOWN", failingOver}, {"CLUSTERDOWN", failingOver}, {"TRYAGAIN", failingOver},
	{"BUSY", busy}, {"max number of clients", busy},
	{"NOAUTH", refusing}, {"WRONGPASS", refusing}, {"invalid password", refusing}, {"NOPERM", forbidding},
	{"READONLY", readOnly}, {"OOM", full}, {"MISCONF", unsaved}, {"NOREPLICAS", unsaved},
}

// troubleOf is the trouble that an error of a command tells.
func troubleOf(err error) trouble {
	if err == nil || errors.Is(err, redis.Nil) {
		return well
	}
	if errors.Is(err, errUnconfirmed) {
		return unconfirmed
	}
	if _, replied := errors.AsType[redis.Error](err); !replied {
		return unreachable // whatever came of it, it was no answer
	}
	for _, r := range replies {
		if redis.HasErrorPrefix(err, r.begins) {
			return r.trouble
		}
	}
	// What a script met may stand within a text of its own: before version 7, and where a
	// right lacks.
	switch text := err.Error(); {
	case strings.Contains(text, "The user executing the script can't "), strings.Contains(text, "ACL failure in script"):
		return forbidding
	case strings.Contains(text, "-OOM "):
		return full
	case strings.Contains(text, "-READONLY "):
		return readOnly
	}
	return well
}

// ofNobody reports whether an error says nothing about the server: whoever asked
// left, or the client was closed.
func ofNobody(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, redis.ErrClosed))
}
