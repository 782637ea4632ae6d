package settings_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/settings"
)

func unit(exact byte, allowed ...byte) settings.Unit {
	u := settings.Unit{Exact: settings.Digest{exact}}
	for _, a := range allowed {
		u.Allowed = append(u.Allowed, settings.Digest{a})
	}
	return u
}

func TestWithdrawalsEnd(t *testing.T) {
	for _, tt := range []struct {
		name        string
		before, now settings.State
		ended       []string
	}{
		{"nothing changed", settings.State{"p": unit(1, 1, 2)}, settings.State{"p": unit(1, 2, 1)}, nil},
		{"one more is allowed", settings.State{"p": unit(1, 1)}, settings.State{"p": unit(1, 1, 2)}, nil},
		{"one less", settings.State{"p": unit(1, 1, 2)}, settings.State{"p": unit(1, 1)}, []string{"p"}},
		{"another instead", settings.State{"p": unit(1, 1)}, settings.State{"p": unit(1, 2)}, []string{"p"}},
		{"replaced", settings.State{"p": unit(1, 1)}, settings.State{"p": unit(2, 1)}, []string{"p"}},
		{"gone", settings.State{"p": unit(1), "q": unit(1)}, settings.State{"q": unit(1)}, []string{"p"}},
		{"not known before", settings.State{"q": unit(1)}, settings.State{"p": unit(1), "q": unit(1)}, []string{"p"}},
		{"nothing is known", nil, settings.State{"p": unit(1), "q": unit(1)}, []string{"p", "q"}},
	} {
		before, _ := settings.Record{}.Meet(tt.before)
		next, ended := before.Meet(tt.now)
		if !slices.Equal(ended, tt.ended) {
			t.Errorf("%s: got %q ended, want %q", tt.name, ended, tt.ended)
		}
		withdrawn := slices.DeleteFunc(slices.Clone(tt.ended), func(name string) bool {
			_, known := tt.before[name]
			return !known
		})
		if got := before.Withdrawn(tt.now); !slices.Equal(got, withdrawn) {
			t.Errorf("%s: got %q withdrawn, want %q", tt.name, got, withdrawn)
		}
		if !next.Of(tt.now) {
			t.Errorf("%s: the record is not of the state that was met", tt.name)
		}
		for name := range tt.now {
			was, known := before.Generation(name)
			is, _ := next.Generation(name)
			if kept, want := known && was == is, !slices.Contains(tt.ended, name); kept != want {
				t.Errorf("%s: generation of %s kept: %v, want %v", tt.name, name, kept, want)
			}
		}
		if of := before.Of(tt.now); of != (len(tt.before) == len(tt.now) && tt.name == "nothing changed") {
			t.Errorf("%s: the record before is of the state: %v", tt.name, of)
		}
	}
}

// Whatever states follow one another: a generation that ended never comes back, and
// none lasts while something that it allowed is missing.
func TestGenerationsNeverComeBack(t *testing.T) {
	states := rapid.MapOf(rapid.SampledFrom([]string{"p", "q", "r"}), rapid.Custom(func(t *rapid.T) settings.Unit {
		return unit(rapid.Byte().Draw(t, "exact")%2, rapid.SliceOfDistinct(rapid.Custom(func(t *rapid.T) byte {
			return rapid.Byte().Draw(t, "a") % 3
		}), rapid.ID).Draw(t, "allowed")...)
	}))
	rapid.Check(t, func(t *rapid.T) {
		var r settings.Record
		passed := map[settings.Generation]bool{}
		allowed := map[settings.Generation]settings.Unit{} // what each generation allowed at least
		for range rapid.IntRange(1, 12).Draw(t, "starts") {
			s := states.Draw(t, "state")
			next, _ := r.Meet(s)
			read, err := settings.Read(next.Spell())
			if err != nil || !maps.EqualFunc(read.Units, next.Units, func(a, b settings.Kept) bool {
				return a.Generation == b.Generation && a.Exact == b.Exact && slices.Equal(a.Allowed, b.Allowed)
			}) {
				t.Fatalf("read what was spelt: got another record (%v)", err)
			}
			for name, kept := range r.Units {
				if now, ok := next.Generation(name); !ok || now != kept.Generation {
					passed[kept.Generation] = true
				}
			}
			for name, kept := range read.Units {
				if passed[kept.Generation] {
					t.Fatalf("a generation of %s came back", name)
				}
				if was, ok := allowed[kept.Generation]; ok &&
					(was.Exact != kept.Exact || slices.ContainsFunc(was.Allowed, func(d settings.Digest) bool {
						return !slices.Contains(kept.Allowed, d)
					})) {
					t.Fatalf("something of %s was withdrawn, and its generation lasts", name)
				}
				allowed[kept.Generation] = kept.Unit
			}
			r = read
		}
	})
}

func TestOnlyRecordsAreRead(t *testing.T) {
	for _, text := range []string{"", "null", "{}", "[]", `{"units":1}`, `{"units":{"p":{"exact":[1]`,
		`{"units":{"p":{"exact":"AAAA"}}}`, `{"units":{"p":{"exact":"*"}}}`} {
		if _, err := settings.Read([]byte(text)); !errors.Is(err, settings.ErrRecord) {
			t.Errorf("%q: got %v, want ErrRecord", text, err)
		}
	}
}
