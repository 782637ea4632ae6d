package codec

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/cognito-broker/broker/internal/cache"
)

// prefix begins all names. It changes when what stands under them does: brokers of two
// layouts share nothing, and misread nothing.
const prefix = "b2:"

// Pattern matches all names, as the rules of Redis's users have it.
const Pattern = prefix + "*"

// Names makes the names of what stands in Redis: digests under the fleet's name key, so that
// nothing tells who or what they name. Names of one scope share a hash tag, and so
// a node of a cluster. Fleets with other name keys never meet.
type Names struct{ digest *cache.Namer }

// Root begins all names of one scope.
type Root string

// Root begins the names of a scope.
func (n Names) Root(scope cache.Scope) Root { return rootOf(n.tag(scope)) }

// tag is the hash tag of a scope.
func (n Names) tag(scope cache.Scope) string { return Short(n.digest.Key("scope", string(scope))) }

func rootOf(tag string) Root { return Root(prefix + "{" + tag + "}:") }

// RootOfEpoch begins the names of the scope whose epoch has that name.
func RootOfEpoch(name string) Root { return Root(strings.TrimSuffix(name, "v")) }

// Epoch names a scope's epoch.
func (r Root) Epoch() string { return string(r) + "v" }

// IsEpoch reports whether a name is that of an epoch.
func IsEpoch(name string) bool { return strings.HasSuffix(name, "}:v") }

// Changed names when the last change of a scope ended.
func (r Root) Changed() string { return string(r) + "f" }

// Entry names an entry whose home scope that is.
func (r Root) Entry(key cache.Key) string { return r.EntryOf(Short(key)) }

// EntryOf names an entry by the short form of its key.
func (r Root) EntryOf(short string) string { return string(r) + "c:" + short }

// Entries names the set of a home scope's entries: the short forms of their keys.
func (r Root) Entries() string { return string(r) + "e" }

// Usages names the hash of how a home scope's entries are used, by their short keys.
func (r Root) Usages() string { return string(r) + "u" }

// Requests names the hash of the renewal requests of a home scope's entries, likewise.
func (r Root) Requests() string { return string(r) + "m" }

// Request binds a sealed renewal request to its place.
func (r Root) Request(short string) string { return r.Requests() + ":" + short }

// ScheduleID names an entry in the schedule of renewals: its home scope's tag and its key,
// both short, as bytes.
func (n Names) ScheduleID(home cache.Scope, key cache.Key) string {
	tag := n.digest.Key("scope", string(home))
	return string(tag[:16]) + string(key[:16])
}

// OfSchedule is the home scope's root, and the short key, of an entry that the schedule
// names so.
func OfSchedule(id string) (r Root, short string) {
	var b [32]byte
	copy(b[:], id)
	return rootOf(base64.RawURLEncoding.EncodeToString(b[:16])), base64.RawURLEncoding.EncodeToString(b[16:])
}

// Epoch names a scope's epoch.
func (n Names) Epoch(scope cache.Scope) string { return n.Root(scope).Epoch() }

// Lock names the lock of a flight.
func (n Names) Lock(flight cache.Flight) string {
	scopes, epochs := flight.Stamp.Shared()
	fields := []string{string(flight.Key[:])}
	if flight.Fences {
		epochs = nil
	}
	for _, epoch := range epochs {
		fields = append(fields, string(epoch[:]))
	}
	return string(n.Root(scopes[0])) + "l:" + Short(n.digest.Key("flight", fields...))
}

// Failure names how the flight failed whose lock had that token.
func (n Names) Failure(flight cache.Flight, token string) string {
	scopes, _ := flight.Stamp.Shared()
	return string(n.Root(scopes[0])) + "o:" + Short(n.digest.Key("failure", token))
}

// Owners names the hash of a login's owners.
func (n Names) Owners(login cache.Scope) string { return string(n.Root(login)) + "o" }

// Owner is the field of an owner among those of a login. Owners of one pool begin alike, with
// OwnerPool bytes.
func (n Names) Owner(pool, id string) string {
	return Short(n.digest.Key("owner's pool", pool))[:OwnerPool] + Short(n.digest.Key("owner", id))
}

// OwnerPool is how many bytes of an owner's field are its pool's.
const OwnerPool = 8

// DeferredEnd is the field of a scope among those that end later.
func (n Names) DeferredEnd(scope cache.Scope) string {
	return Short(n.digest.Key("deferred", string(scope)))
}

// Identity names the facts about an identity.
func (n Names) Identity(id string) string { return string(n.Root(cache.IdentityScope(id))) + "p" }

// Limit names the state of a rate limit.
func (n Names) Limit(name ...string) string {
	return string(rootOf(Short(n.digest.Key("limit", name...)))) + "g"
}

// Shared names what the whole fleet has one of.
func (n Names) Shared(what string) string {
	return string(rootOf(Short(n.digest.Key("fleet")))) + what
}

// Settings names a record of settings, and the mark that a broker goes by it.
func (n Names) Settings(name string) (record, mark string) {
	return n.Shared("settings:" + name), n.Shared("used:" + name)
}

// PoolChanges names the hash of the changes of pools.
func (n Names) PoolChanges() string { return n.Shared("changes") }

// PoolChangePrefix begins the fields of a pool's changes.
func (n Names) PoolChangePrefix(pool string) string { return Short(n.digest.Key("change", pool)) + ":" }

// Record names the record of a server's probes in one of the slots of a cluster.
func Record(slot int) string { return prefix + "{" + strconv.Itoa(slot) + "}:n" }

// Trial names what rights are tried with, on the server that keeps that record.
func Trial(record string) string { return strings.TrimSuffix(record, "n") + "t" }

// Short encodes 128 bits of a digest.
func Short(key cache.Key) string { return base64.RawURLEncoding.EncodeToString(key[:16]) }
