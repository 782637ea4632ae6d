// Package settings tells whether what a broker is configured with allows less than
// what its fleet was configured with before. What rests on settings that were
// withdrawn or replaced must not be served any more; what is only added ends nothing.
//
// It knows no configuration, no provider and no Redis: only digests by name.
package settings

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// A Digest stands for a setting: a keyed digest of how it is spelt.
type Digest [16]byte

// MarshalText and UnmarshalText spell it shorter than numbers would.
func (d Digest) MarshalText() ([]byte, error)  { return spell(d), nil }
func (d *Digest) UnmarshalText(b []byte) error { return read((*[16]byte)(d), b) }

func spell(b [16]byte) []byte { return base64.RawURLEncoding.AppendEncode(nil, b[:]) }

func read(into *[16]byte, text []byte) error {
	b, err := base64.RawURLEncoding.AppendDecode(nil, text)
	if err != nil || len(b) != len(into) {
		return ErrRecord
	}
	copy(into[:], b)
	return nil
}

// Unit is what is set of one thing that answers rest on.
type Unit struct {
	// Exact stands for all that may not differ.
	Exact Digest `json:"exact"`
	// Allowed stands for what is allowed one by one, such as the client ids of a login
	// provider: more of them ends nothing, fewer do.
	Allowed []Digest `json:"allowed,omitempty"`
}

// within reports whether all that u allows is allowed by next too.
func (u Unit) within(next Unit) bool {
	if u.Exact != next.Exact {
		return false
	}
	return !slices.ContainsFunc(u.Allowed, func(d Digest) bool { return !slices.Contains(next.Allowed, d) })
}

func (u Unit) equal(other Unit) bool { return u.within(other) && other.within(u) }

// State is all that a broker is configured with, by the names of units.
type State map[string]Unit

// A Generation names the time during which nothing of a unit was withdrawn. It is
// random: one that has passed never comes back, also where the settings do.
type Generation [16]byte

// MarshalText and UnmarshalText spell it as a Digest's do.
func (g Generation) MarshalText() ([]byte, error)  { return spell(g), nil }
func (g *Generation) UnmarshalText(b []byte) error { return read((*[16]byte)(g), b) }

func newGeneration() (g Generation) {
	rand.Read(g[:])
	return g
}

// Record is what a fleet remembers of the settings that a broker served with last.
type Record struct {
	Units map[string]Kept `json:"units"`
}

// Kept is a unit with its generation.
type Kept struct {
	Unit
	Generation Generation `json:"generation"`
}

// ErrRecord says that a text is no record.
var ErrRecord = errors.New("not a record of settings")

// Read reads what Spell spelt. It fails with ErrRecord.
func Read(text []byte) (Record, error) {
	var r Record
	if err := strictjson.Decode(text, &r, strictjson.Limits{Bytes: len(text), Depth: 8, Values: len(text)}); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if r.Units == nil {
		return Record{}, ErrRecord
	}
	return r, nil
}

// Spell writes the record down, the same one always alike.
func (r Record) Spell() []byte {
	text, err := json.Marshal(r)
	if err != nil { // digests and texts always encode
		panic(err)
	}
	return text
}

// Of reports whether the record is of that state exactly.
func (r Record) Of(s State) bool {
	return maps.EqualFunc(r.Units, s, func(kept Kept, unit Unit) bool { return kept.equal(unit) })
}

// Has reports whether the record has that very unit.
func (r Record) Has(name string, unit Unit) bool {
	kept, ok := r.Units[name]
	return ok && kept.equal(unit)
}

// Withdrawn are the units, in order, of which s does not allow all that r tells of.
func (r Record) Withdrawn(s State) (names []string) {
	for name, kept := range r.Units {
		if unit, ok := s[name]; !ok || !kept.within(unit) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Meet is the record of a broker that begins to serve with a state, where the fleet
// has r, which is empty where it has none. A unit keeps its generation if nothing of
// it was withdrawn. ended are the units, in order, of which something was, which are
// gone, or of which r does not tell.
func (r Record) Meet(s State) (next Record, ended []string) {
	next.Units = make(map[string]Kept, len(s))
	ended = r.Withdrawn(s)
	for name, unit := range s {
		kept, known := r.Units[name]
		if !known {
			ended = append(ended, name)
		}
		if !known || !kept.within(unit) {
			kept.Generation = newGeneration()
		}
		next.Units[name] = Kept{unit, kept.Generation}
	}
	slices.Sort(ended)
	return next, ended
}

// Generation is that of a unit; ok is false for one that is not set.
func (r Record) Generation(name string) (g Generation, ok bool) {
	kept, ok := r.Units[name]
	return kept.Generation, ok
}
