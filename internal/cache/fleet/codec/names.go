package codec

import (
	"encoding/base64"

	"github.com/cognito-broker/broker/internal/cache"
)

// names spells what stands in Redis: digests under the fleet's name key, so that
// nothing tells who or what they name. Names of one scope share a hash tag, and so
// a node of a cluster. Fleets with other name keys never meet.
type names struct{ digest *cache.Namer }

// tag is the hash tag of a scope.
func (n names) tag(scope cache.Scope) string {
	return Short(n.digest.Key("scope", string(scope)))
}

// Root begins all names of one scope.
type root string

func (n names) Root(scope cache.Scope) root { return root("b:{" + n.tag(scope) + "}:") }

// Epoch names a scope's epoch.
func (n names) Epoch(scope cache.Scope) string { return n.Root(scope).Epoch() }
func (r root) Epoch() string                   { return string(r) + "v" }

// Named names something of a kind that belongs to a scope.
func (n names) Named(kind string, scope cache.Scope, key cache.Key) string {
	return n.Root(scope).Named(kind, key)
}
func (r root) Named(kind string, key cache.Key) string { return r.Prefix(kind) + Short(key) }

// Prefix is what precedes the short name of a key in of.
func (r root) Prefix(kind string) string { return string(r) + kind + ":" }

// Usages names what is known of the use of a scope's entries.
func (r root) Usages() string { return string(r) + "u" }

// Entries names the set of a scope's entries.
func (r root) Entries() string { return string(r) + "e" }

// ScheduleID names an entry in the schedule of renewals: its scope's tag and its key,
// in short both, as bytes.
func (n names) ScheduleID(scope cache.Scope, key cache.Key) string {
	tag := n.digest.Key("scope", string(scope))
	return string(tag[:16]) + string(key[:16])
}

// NamesOfClaim are the names of what stands for a member: the hash of uses, the field
// in it, and the renewal request.
func (n names) NamesOfClaim(member string) (used, field, material string) {
	var b [32]byte
	copy(b[:], member)
	tag := base64.RawURLEncoding.EncodeToString(b[:16])
	field = base64.RawURLEncoding.EncodeToString(b[16:])
	r := root("b:{" + tag + "}:")
	return r.Usages(), field, r.Prefix("m") + field
}

// Shared names what the whole fleet has one of.
func (n names) Shared(what string) string {
	return "b:{" + Short(n.digest.Key("fleet")) + "}:" + what
}

// Short spells 128 bits of a digest.
func Short(key cache.Key) string { return base64.RawURLEncoding.EncodeToString(key[:16]) }

// doubts names the hash. A script relies on its form.
func (n names) PoolChanges() string { return n.Shared("doubts") }

// PoolChangePrefix begins the fields of a pool's changes.
func (n names) PoolChangePrefix(pool string) string { return Short(n.digest.Key("doubt", pool)) + ":" }

// Owners names the hash of a login's owners. The script relies on its form.
func (n names) Owners(login cache.Scope) string { return "b:{" + n.tag(login) + "}:o" }

func (n names) Record(name string) (record, mark string) {
	return n.Shared("settings:" + name), n.Shared("tended:" + name)
}

// flight names the lock of a flight.
func (n names) Lock(flight cache.Flight) string {
	scopes, epochs := flight.Stamp.Shared()
	fields := []string{string(flight.Key[:])}
	if flight.Fences {
		epochs = nil
	}
	for _, epoch := range epochs {
		fields = append(fields, string(epoch[:]))
	}
	return n.Named("f", scopes[0], n.digest.Key("flight", fields...))
}

// Failure names how the flight failed that the token's owner led.
func (n names) Failure(flight cache.Flight, token string) string {
	scopes, _ := flight.Stamp.Shared()
	return n.Named("o", scopes[0], n.digest.Key("failure", token))
}

// Identity names the facts about an identity.
func (n names) Identity(id string) string { return "b:{" + n.tag(cache.IdentityScope(id)) + "}:p" }

// Limit names the state of a rate limit.
func (n names) Limit(name ...string) string {
	return "b:{" + Short(n.digest.Key("turn", name...)) + "}:g"
}

// Owner is the field of an owner among those of a login.
func (n names) Owner(id string) string { return Short(n.digest.Key("owner", id)) }
