package redisconn

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// health is what is wrong with a server, as its answers tell, or their absence.
type health int32

// Up to refusing, a server answers nothing; up to unsaved, it refuses what is written. One that
// is unconfirmed takes writes, and is not believed. What a server forbids costs nobody time.
const (
	healthy health = iota
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

// String describes the health for operators.
func (t health) String() string {
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

// noAnswers reports whether the server answers nothing.
func (t health) noAnswers() bool { return t != healthy && t <= refusing }

// noWrites reports whether the server only refuses writes.
func (t health) noWrites() bool { return t > refusing && t <= unsaved }

// errorPrefixes are how those of Redis's errors begin that tell of a server's health. Others say
// nothing about the server.
var errorPrefixes = []struct {
	begins string
	health
}{
	{"LOADING", loading}, {"MASTERDOWN", failingOver}, {"CLUSTERDOWN", failingOver}, {"TRYAGAIN", failingOver},
	{"BUSY", busy}, {"max number of clients", busy},
	{"NOAUTH", refusing}, {"WRONGPASS", refusing}, {"invalid password", refusing}, {"NOPERM", forbidding},
	{"READONLY", readOnly}, {"OOM", full}, {"MISCONF", unsaved}, {"NOREPLICAS", unsaved},
}

// healthOf is what an error of a command tells of a server.
func healthOf(err error) health {
	if err == nil || errors.Is(err, redis.Nil) {
		return healthy
	}
	if errors.Is(err, ErrUnconfirmed) {
		return unconfirmed
	}
	if _, replied := errors.AsType[redis.Error](err); !replied {
		return unreachable // there was no answer
	}
	for _, r := range errorPrefixes {
		if redis.HasErrorPrefix(err, r.begins) {
			return r.health
		}
	}
	// What a script met may stand in the middle of the text: before version 7, and where a right is
	// missing.
	switch text := err.Error(); {
	case strings.Contains(text, "The user executing the script can't "), strings.Contains(text, "ACL failure in script"):
		return forbidding
	case strings.Contains(text, "-OOM "):
		return full
	case strings.Contains(text, "-READONLY "):
		return readOnly
	}
	return healthy
}

// saysNothing reports whether an error says nothing about the server: the caller left, or the
// client was closed.
func saysNothing(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, redis.ErrClosed))
}
