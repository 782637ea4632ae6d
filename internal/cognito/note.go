package cognito

import "github.com/aws/smithy-go/middleware"

type (
	mergedKey    struct{}
	unchangedKey struct{}
)

// NoteMerged tells, beside an output, which identities lost a merge in the call:
// no member of an output says so, and what was cached for them must end. A
// backend that cannot know notes nothing.
func NoteMerged(m *middleware.Metadata, identities []string) {
	if len(identities) > 0 {
		m.Set(mergedKey{}, identities)
	}
}

// Merged is what NoteMerged told.
func Merged(m middleware.Metadata) []string {
	identities, _ := m.Get(mergedKey{}).([]string)
	return identities
}

// NoteUnchanged tells, beside an output, that a change of a pool had no effect on
// what its users are answered: it brought equal content, or labels.
func NoteUnchanged(m *middleware.Metadata) { m.Set(unchangedKey{}, true) }

// Unchanged is whether NoteUnchanged told.
func Unchanged(m middleware.Metadata) bool {
	unchanged, _ := m.Get(unchangedKey{}).(bool)
	return unchanged
}
