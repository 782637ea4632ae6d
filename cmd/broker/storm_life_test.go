package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
)

// lifeCalls are what befalls a person, the more often the oftener it stands here.
var lifeCalls = []string{
	"GetId", "GetId", "GetCredentialsForIdentity", "GetCredentialsForIdentity", "GetCredentialsForIdentity", "UnlinkIdentity",
	"GetOpenIdTokenForDeveloperIdentity", "GetOpenIdTokenForDeveloperIdentity", "UnlinkDeveloperIdentity", "MergeDeveloperIdentities", "DeleteIdentities",
}

// lifeTime is the number of calls for a person.
const lifeTime = 25

// life is a person for whom one client calls, one call after another. Whatever
// others do meanwhile, each answer must be one that the model gives: in one of the
// worlds that there may be, for a call that was cut off happened or did not.
type life struct {
	deck
	storm  *storm
	ids    []string // that were told
	worlds []any
	calls  int
	told   []string // the story, for who has to find out
}

// born is a person whom nobody knows.
func (s *storm) born() *life {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.persons++
	name := func(form string) string { return fmt.Sprintf(form, s.persons) }
	return &life{
		storm: s,
		deck: deck{
			pool: s.pool, idps: s.idps, names: lifeCalls,
			users: []string{name("own%d-a"), name("own%d-b")}, subjects: []string{name("own%d"), name("own%d-twin")},
		},
		worlds: []any{spell(model.New(false, model.Pool{ID: s.pool, Guests: true, Classic: true, Developer: s.caller.Developer}))},
	}
}

func (l *life) old() bool { return l.calls >= lifeTime }

// call makes a call and holds its answer against the worlds that there may be.
func (l *life) call(op model.Op) {
	l.calls++
	a, answered := l.storm.call(op)
	var output any
	if answered {
		output = a
		if a.Identity != "" && !slices.Contains(l.ids, a.Identity) {
			l.ids = append(l.ids, a.Identity)
		}
	}
	l.told = append(l.told, fmt.Sprintf("%+v\n\t%v", op, output))
	var next []any
	keys := map[string]bool{}
	for _, w := range l.worlds {
		for _, n := range follow(w, numbered{op, l.calls}, output) {
			if key := n.(spelled).key; !keys[key] {
				keys[key] = true
				next = append(next, n)
			}
		}
	}
	if len(next) == 0 {
		l.storm.Errorf("an answer that nothing explains, the last of\n%s", strings.Join(l.told, "\n"))
		next = l.worlds
	}
	l.worlds = next
}

// end reads all there is to know of the person, so that nothing which was lost
// stays unseen.
func (l *life) end() {
	for _, op := range l.look(l.ids) {
		l.call(op)
	}
}
