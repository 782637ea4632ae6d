package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

const (
	self  = "us-east-1:11111111-1111-4111-8111-111111111111"
	other = "us-east-1:22222222-2222-4222-8222-222222222222"
	third = "us-east-1:33333333-3333-4333-8333-333333333333"
)

var (
	alice = rules.Login{Provider: "idp.example", Subject: "alice"}
	bob   = rules.Login{Provider: "idp.example", Subject: "bob"}
	work  = rules.Login{Provider: "work.example", Subject: "a.smith"}
)

// outcome is an error's name and text, or nothing.
func outcome(err error) string {
	if err == nil {
		return ""
	}
	api := cognito.Public(err)
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

const (
	forbidden = "NotAuthorizedException: Access to Identity '" + self + "' is forbidden."
	mismatch  = "NotAuthorizedException: Logins don't match. Please include at least one valid login for this identity " +
		"or identity pool."
	conflict = "ResourceConflictException: Logins are already linked to another account."
	noGuests = "NotAuthorizedException: Unauthenticated access is not supported for this identity pool."
	noRole   = "InvalidIdentityPoolConfigurationException: Invalid identity pool configuration. Check assigned IAM " +
		"roles for this pool."
)

// facts are of identities and their logins, and of who owns those of the call.
func factsOf(linked map[string][]rules.Login, identities ...rules.Identity) rules.Facts {
	f := rules.Facts{Owners: map[rules.Login]string{}, Identities: map[string]rules.Identity{}, Linked: linked}
	for _, i := range identities {
		f.Identities[i.ID] = i
		for _, l := range linked[i.ID] {
			f.Owners[l] = i.ID
		}
	}
	return f
}

// Rows 5 to 12 of docs/cognito.md#entering-an-identity.
func TestResolve(t *testing.T) {
	type logins = []rules.Login
	pool := &rules.Pool{DeveloperProvider: "login.example"}
	many := func(n int) (list logins) {
		for i := range n {
			list = append(list, rules.Login{Provider: "login.example", Subject: fmt.Sprint("u", i)})
		}
		return list
	}
	young := func(id string) rules.Identity {
		return rules.Identity{ID: id, State: rules.Authenticated, Created: time.Unix(2, 0)}
	}
	for name, c := range map[string]struct {
		state  rules.State
		merged string // into which identity
		asked  logins
		linked map[string]logins
		want   rules.Resolution
		err    string
	}{
		"row 5: all linked to it": {rules.Authenticated, "", logins{alice}, map[string]logins{self: {alice}},
			rules.Resolution{Identity: self}, ""},
		"row 5: one of several linked": {rules.Authenticated, "", logins{alice},
			map[string]logins{self: {alice, work}}, rules.Resolution{Identity: self}, ""},
		"row 6: one linked, one free": {rules.Authenticated, "", logins{alice, work},
			map[string]logins{self: {alice}}, rules.Resolution{Identity: self, Link: logins{work}}, ""},
		"row 7: a guest's first login": {rules.Guest, "", logins{alice}, nil,
			rules.Resolution{Identity: self, Link: logins{alice}}, ""},
		"row 7: two logins at once": {rules.Guest, "", logins{alice, work}, nil,
			rules.Resolution{Identity: self, Link: logins{alice, work}}, ""},
		"row 8: a guest with another's login": {rules.Guest, "", logins{alice}, map[string]logins{other: {alice}},
			rules.Resolution{Identity: other, Merge: []string{self}}, ""},
		"row 8: and one of nobody": {rules.Guest, "", logins{alice, work}, map[string]logins{other: {alice}},
			rules.Resolution{Identity: other, Merge: []string{self}, Link: logins{work}}, ""},
		"row 8: with logins of two": {rules.Guest, "", logins{alice, work},
			map[string]logins{other: {alice}, third: {work}}, rules.Resolution{Identity: other, Merge: []string{third, self}},
			""},
		"row 9: one of its own, one of another's": {rules.Authenticated, "", logins{alice, work},
			map[string]logins{self: {alice}, other: {work}}, rules.Resolution{Identity: self, Merge: []string{other}}, ""},
		"row 9: both have users of one provider": {rules.Authenticated, "", logins{alice, work},
			map[string]logins{self: {alice}, other: {work, bob}}, rules.Resolution{}, conflict},
		"row 9: twenty logins": {rules.Authenticated, "", logins{alice, work},
			map[string]logins{self: {alice}, other: append(many(18), work)},
			rules.Resolution{Identity: self, Merge: []string{other}}, ""},
		"row 9: one more": {rules.Authenticated, "", logins{alice, work},
			map[string]logins{self: {alice}, other: append(many(19), work)}, rules.Resolution{}, conflict},
		"row 10: none linked": {rules.Authenticated, "", logins{bob}, map[string]logins{self: {alice}},
			rules.Resolution{}, mismatch},
		"row 10: another's login": {rules.Authenticated, "", logins{bob},
			map[string]logins{self: {alice}, other: {bob}}, rules.Resolution{}, mismatch},
		"row 11: a second of one provider": {rules.Authenticated, "", logins{bob, work},
			map[string]logins{self: {alice, work}}, rules.Resolution{}, conflict},
		"row 12: a login of the survivor": {rules.Disabled, other, logins{alice}, map[string]logins{other: {alice}},
			rules.Resolution{Identity: other}, ""},
		"row 12: and one of nobody": {rules.Disabled, other, logins{alice, work},
			map[string]logins{other: {alice}}, rules.Resolution{Identity: other, Link: logins{work}}, ""},
		"row 12: none of the survivor": {rules.Disabled, other, logins{bob}, map[string]logins{other: {alice}},
			rules.Resolution{}, forbidden},
		"row 12: disabled, merged into nobody": {rules.Disabled, "", logins{alice}, map[string]logins{other: {alice}},
			rules.Resolution{}, forbidden},
		"unknown state": {0, "", logins{alice}, map[string]logins{self: {alice}},
			rules.Resolution{}, forbidden},
		"unknown state with a survivor": {0, other, logins{alice}, map[string]logins{other: {alice}},
			rules.Resolution{}, forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			asked := rules.Identity{ID: self, State: c.state, MergedInto: c.merged, Created: time.Unix(1, 0)}
			got, err := rules.Resolve(pool, asked, c.asked, factsOf(c.linked, asked, young(other), young(third)))
			if diff := cmp.Diff(c.err, outcome(err)); diff != "" {
				t.Fatalf("outcome (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.want, got); err == nil && diff != "" {
				t.Errorf("resolution (-want +got):\n%s", diff)
			}
		})
	}
}

// Rows 2, 3 and 4 of docs/cognito.md#entering-an-identity.
func TestGuestAccess(t *testing.T) {
	for name, c := range map[string]struct {
		allowed bool
		state   rules.State
		want    string
	}{
		"row 2: no guests here":              {false, rules.Guest, noGuests},
		"row 2 before row 4":                 {false, rules.Authenticated, noGuests},
		"row 3: a guest":                     {true, rules.Guest, ""},
		"row 4: authenticated without login": {true, rules.Authenticated, forbidden},
		"row 4: disabled":                    {true, rules.Disabled, forbidden},
		"unknown state":                      {true, 0, forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			got := outcome(rules.GuestAccess(&rules.Pool{AllowGuests: c.allowed}, rules.Identity{ID: self, State: c.state}))
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// GetId with logins (docs/cognito.md#getid): of nobody, of one, of two identities.
func TestResolveNew(t *testing.T) {
	pool := &rules.Pool{}
	first := rules.Identity{ID: other, State: rules.Authenticated, Created: time.Unix(1, 0)}
	second := rules.Identity{ID: self, State: rules.Authenticated, Created: time.Unix(2, 0)}
	linked := map[string][]rules.Login{other: {alice}, self: {work}}
	for name, c := range map[string]struct {
		asked []rules.Login
		facts rules.Facts
		want  rules.Resolution
	}{
		"of nobody": {[]rules.Login{bob}, factsOf(linked, first, second), rules.Resolution{Link: []rules.Login{bob}}},
		"of one":    {[]rules.Login{alice}, factsOf(linked, first, second), rules.Resolution{Identity: other}},
		"of one and nobody": {[]rules.Login{alice, work}, factsOf(map[string][]rules.Login{other: {alice}}, first),
			rules.Resolution{Identity: other, Link: []rules.Login{work}}},
		"of two": {[]rules.Login{work, alice}, factsOf(linked, first, second),
			rules.Resolution{Identity: other, Merge: []string{self}}},
	} {
		got, err := rules.ResolveNew(pool, c.asked, c.facts)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: got %v, resolution (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestAccepts(t *testing.T) {
	p := rules.Pool{OIDCProviderARNs: []string{"arn:aws:iam::000000000000:oidc-provider/idp.example/tenant"}}
	for provider, want := range map[string]bool{
		"idp.example/tenant": true, "idp.example": false, "tenant": false, "https://idp.example/tenant": false, "": false,
		"IDP.example/tenant": false,
	} {
		if got := p.Accepts(provider); got != want {
			t.Errorf("Accepts(%q): got %v, want %v", provider, got, want)
		}
	}
}
