package fleet

import (
	"encoding/base64"
	"strings"

	"github.com/cognito-broker/broker/internal/cache"
)

// names spells what stands in Redis: digests under the fleet's name key, so that
// nothing tells who or what they name. Names of one scope share a hash tag, and so
// a node of a cluster. Fleets with other name keys never meet.
type names struct{ digest *cache.Namer }

// tag is the hash tag of a scope.
func (n names) tag(scope cache.Scope) string {
	return short(n.digest.Key("scope", string(scope)))
}

// root begins all names of one scope.
type root string

func (n names) root(scope cache.Scope) root { return root("b:{" + n.tag(scope) + "}:") }

// epoch names a scope's epoch.
func (n names) epoch(scope cache.Scope) string { return n.root(scope).epoch() }
func (r root) epoch() string                   { return string(r) + "v" }

// isEpoch reports whether a name is that of an epoch.
func isEpoch(name string) bool { return strings.HasSuffix(name, "}:v") }

// named names something of a kind that belongs to a scope.
func (n names) named(kind string, scope cache.Scope, key cache.Key) string {
	return n.root(scope).named(kind, key)
}
func (r root) named(kind string, key cache.Key) string { return r.prefix(kind) + short(key) }

// prefix is what precedes the short name of a key in of.
func (r root) prefix(kind string) string { return string(r) + kind + ":" }

// usages names what is known of the use of a scope's entries.
func (r root) usages() string { return string(r) + "u" }

// entries names the set of a scope's entries.
func (r root) entries() string { return string(r) + "e" }

// scheduleID names an entry in the schedule of renewals: its scope's tag and its key,
// in short both, as bytes.
func (n names) scheduleID(scope cache.Scope, key cache.Key) string {
	tag := n.digest.Key("scope", string(scope))
	return string(tag[:16]) + string(key[:16])
}

// namesOfClaim are the names of what stands for a member: the hash of uses, the field
// in it, and the renewal request.
func (n names) namesOfClaim(member string) (used, field, material string) {
	var b [32]byte
	copy(b[:], member)
	tag := base64.RawURLEncoding.EncodeToString(b[:16])
	field = base64.RawURLEncoding.EncodeToString(b[16:])
	r := root("b:{" + tag + "}:")
	return r.usages(), field, r.prefix("m") + field
}

// shared names what the whole fleet has one of.
func (n names) shared(what string) string {
	return "b:{" + short(n.digest.Key("fleet")) + "}:" + what
}

// short spells 128 bits of a digest.
func short(key cache.Key) string { return base64.RawURLEncoding.EncodeToString(key[:16]) }
