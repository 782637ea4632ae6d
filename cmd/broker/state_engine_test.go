package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/settings"
)

// What ends is what rests on the units that ended, of each pool that may have it.
func TestEndedScopes(t *testing.T) {
	const arn = "arn:aws:iam::000000000000:"
	pools := []rules.Pool{
		{ID: "oidc", OIDCProviderARNs: []string{arn + "oidc-provider/idp.example"}},
		{ID: "saml", SAMLProviderARNs: []string{arn + "saml-provider/corp"}},
		{ID: "app", PublicProviders: map[string]string{"graph.facebook.com": "app"}},
		{ID: "none"},
	}
	var credentials, all []cache.Scope
	for _, p := range pools {
		credentials, all = append(credentials, cache.CredentialsScope(p.ID)), append(all, cache.PoolScopes(p.ID)...)
	}
	slices.Sort(credentials)
	slices.Sort(all)
	of := func(pool string) []cache.Scope { return slices.Sorted(slices.Values(cache.PoolScopes(pool))) }
	for _, c := range []struct {
		ended []string
		want  []cache.Scope
	}{
		{nil, nil},
		{[]string{"all"}, all},
		{[]string{"roles"}, credentials},
		{[]string{"sts"}, credentials},
		{[]string{"grant/oidc"}, []cache.Scope{"c/oidc"}},
		{[]string{"pool/oidc"}, of("oidc")},
		{[]string{"grant/oidc", "pool/oidc"}, of("oidc")}, // each once
		{[]string{"pool/gone"}, of("gone")},
		{[]string{"provider/idp.example"}, of("oidc")},
		{[]string{"provider/" + arn + "saml-provider/corp"}, of("saml")},
		{[]string{"provider/graph.facebook.com"}, of("app")},
		{[]string{"provider/of.nobody"}, nil},
	} {
		if got := endedScopes(c.ended, pools); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q ended, want %q", c.ended, got, c.want)
		}
	}
}

// Whether tokens of a provider are refused as Cognito's own is a setting of that provider,
// and of no other.
func TestCognitosIssuerIsComparedByItsProvider(t *testing.T) {
	state := func(issuer string) settings.State {
		c := sample(t, config.BackendAWS, "")
		c.Cognito.Issuer = issuer
		return upstreamState(c, nil)
	}
	of := sample(t, config.BackendAWS, "").LoginProviders[0]
	before, _ := settings.Record{}.Meet(state("https://cognito.example"))
	for issuer, want := range map[string]string{
		"https://other.example": "[]",
		of.Issuer:               fmt.Sprintf("[provider/%s]", of.Provider),
	} {
		if got := fmt.Sprint(before.Withdrawn(state(issuer))); got != want {
			t.Errorf("issuer %s: got %s withdrawn, want %s", issuer, got, want)
		}
	}
}

// A store may be served without Redis if it was before, under settings of which nothing was
// withdrawn since but pools that are gone: those were deleted within a fence.
func TestServedBefore(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "data", "broker.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e := &engineSettings{store: s}
	now := settings.State{unitAll: unitOf(1), unitProvider + "idp": unitOf(1), unitPool + "p": unitOf(1), unitCredentials + "p": unitOf(1)}
	with := func(name string, u settings.Unit) settings.State {
		state := settings.State{name: u}
		for n, unit := range now {
			if _, there := state[n]; !there {
				state[n] = unit
			}
		}
		return state
	}
	if got, err := e.served(t.Context(), now); got || err != nil {
		t.Errorf("never served: got %v, %v; want not", got, err)
	}
	text := func(state settings.State) []byte { r, _ := settings.Record{}.Meet(state); return r.Spell() }
	for name, c := range map[string]struct {
		before []byte
		want   bool
	}{
		"not as this broker knows":       {[]byte(`{"units":1}`), false},
		"under these":                    {text(now), true},
		"under fewer":                    {text(settings.State{unitAll: unitOf(1)}), true},
		"with a pool that is gone":       {text(with(unitPool+"gone", unitOf(1))), true},
		"with a grant that is gone":      {text(with(unitCredentials+"gone", unitOf(1))), true},
		"with other logins":              {text(with(unitPool+"p", unitOf(2))), false},
		"with other grants":              {text(with(unitCredentials+"p", unitOf(2))), false},
		"with a provider that is gone":   {text(with(unitProvider+"gone", unitOf(1))), false},
		"with a provider that is others": {text(with(unitProvider+"idp", unitOf(2))), false},
		"under something else for all":   {text(with(unitAll, unitOf(2))), false},
	} {
		if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.PutServed(c.before) }); err != nil {
			t.Fatal(err)
		}
		if got, err := e.served(t.Context(), now); got != c.want || err != nil {
			t.Errorf("served before %s: got %v, %v; want %v", name, got, err, c.want)
		}
	}
}

// The store of a broker without Redis is marked if it was served with one, which does not
// hear of what changes now.
func TestAloneMarksWhatWasServed(t *testing.T) {
	s, err := store.Open(t.Context(), store.InMemory)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e := &engineSettings{store: s}
	mark := func() (mark string) {
		t.Helper()
		err := s.View(t.Context(), func(tx *store.Tx) error {
			marks, err := tx.Marks()
			mark = marks.Store
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return mark
	}
	for _, served := range []bool{false, true} {
		if served {
			if err := e.remember(t.Context(), settings.Record{}); err != nil {
				t.Fatal(err)
			}
		}
		before := mark()
		if err := e.alone(t.Context()); err != nil {
			t.Fatal(err)
		}
		if marked := mark() != before; marked != served {
			t.Errorf("served with Redis before: %t: marked %t", served, marked)
		}
	}
}
