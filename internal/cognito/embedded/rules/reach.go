package rules

import (
	"encoding/json"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Reach tells how far the change from one definition of a pool to another goes.
func Reach(from, to *Pool) cognito.Reach {
	switch {
	case effect(*from) == effect(*to):
		return cognito.ReachNothing
	case identifying(*from) == identifying(*to):
		return cognito.ReachCredentials
	}
	return cognito.ReachEverything
}

// SameInEffect reports whether two definitions of a pool answer its users alike:
// they differ in labels at most.
func SameInEffect(a, b *Pool) bool { return Reach(a, b) == cognito.ReachNothing }

// SameLogins reports whether two definitions of a pool take the same logins: whose they
// are rests on nothing else of it.
func SameLogins(a, b *Pool) bool { return identifying(*a) == identifying(*b) }

// effect spells all of a pool but its labels. What is empty and what is absent are
// spelled alike.
func effect(p Pool) string {
	p.Name, p.Tags = "", nil
	return spell(p)
}

// identifying spells what of a pool decides whose a login is.
func identifying(p Pool) string {
	p.Roles, p.Mappings, p.PrincipalTags = Roles{}, nil, nil
	p.AllowGuests, p.AllowClassic, p.GuestRetention = false, nil, 0
	return effect(p)
}

func spell(p Pool) string {
	text, err := json.Marshal(p)
	if err != nil { // texts, numbers and truth values always encode
		panic(err)
	}
	return string(text)
}
