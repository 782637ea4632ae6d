package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

const (
	self  = "us-east-1:11111111-1111-4111-8111-111111111111"
	other = "us-east-1:22222222-2222-4222-8222-222222222222"
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
	mismatch  = "NotAuthorizedException: Logins don't match. Please include at least one valid login for this identity or identity pool."
	conflict  = "ResourceConflictException: Logins are already linked to another account."
	noGuests  = "NotAuthorizedException: Unauthenticated access is not supported for this identity pool."
	noRole    = "InvalidIdentityPoolConfigurationException: Invalid identity pool configuration. Check assigned IAM roles for this pool."
)

// Rows 5 to 12 of reference 3.3.
func TestResolve(t *testing.T) {
	own := func(logins ...rules.Login) rules.Facts {
		f := rules.Facts{Linked: logins, Owners: map[rules.Login]string{}}
		for _, l := range logins {
			f.Owners[l] = self
		}
		return f
	}
	with := func(f rules.Facts, l rules.Login, owner string) rules.Facts { f.Owners[l] = owner; return f }
	for name, c := range map[string]struct {
		state rules.State
		asked []rules.Login
		facts rules.Facts
		link  []rules.Login
		want  string
	}{
		"row 5: all linked to it":                 {rules.Authenticated, []rules.Login{alice}, own(alice), nil, ""},
		"row 5: one of several linked":            {rules.Authenticated, []rules.Login{alice}, own(alice, work), nil, ""},
		"row 6: one linked, one free":             {rules.Authenticated, []rules.Login{alice, work}, own(alice), []rules.Login{work}, ""},
		"row 7: a guest's first login":            {rules.Guest, []rules.Login{alice}, own(), []rules.Login{alice}, ""},
		"row 7: two logins at once":               {rules.Guest, []rules.Login{alice, work}, own(), []rules.Login{alice, work}, ""},
		"row 8: a guest with another's login":     {rules.Guest, []rules.Login{alice}, with(own(), alice, other), nil, conflict},
		"row 9: one of its own, one of another's": {rules.Authenticated, []rules.Login{alice, work}, with(own(alice), work, other), nil, conflict},
		"row 10: none linked":                     {rules.Authenticated, []rules.Login{bob}, own(alice), nil, mismatch},
		"row 10: another's login":                 {rules.Authenticated, []rules.Login{bob}, with(own(alice), bob, other), nil, mismatch},
		"row 11: a second of one provider":        {rules.Authenticated, []rules.Login{bob, work}, own(alice, work), nil, conflict},
		"row 12: disabled":                        {rules.Disabled, []rules.Login{alice}, with(own(), alice, other), nil, forbidden},
		"unknown state":                           {0, []rules.Login{alice}, own(alice), nil, forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := rules.Resolve(rules.Identity{ID: self, State: c.state}, c.asked, c.facts)
			if diff := cmp.Diff(c.want, outcome(err)); diff != "" {
				t.Fatalf("outcome (-want +got):\n%s", diff)
			}
			if err == nil && (got.Identity != self || !cmp.Equal(got.Link, c.link)) {
				t.Errorf("got %+v, want the same id and links %v", got, c.link)
			}
		})
	}
}

// Rows 2, 3 and 4 of reference 3.3.
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

func TestResolveNew(t *testing.T) {
	r, err := rules.ResolveNew([]rules.Login{alice}, nil, rules.Facts{})
	if err != nil || r.Identity != "" || !cmp.Equal(r.Link, []rules.Login{alice}) {
		t.Errorf("a login of nobody: got %+v %v, want a new identity with it", r, err)
	}
	owner := rules.Identity{ID: self, State: rules.Authenticated}
	facts := rules.Facts{Linked: []rules.Login{alice}, Owners: map[rules.Login]string{alice: self}}
	if r, err = rules.ResolveNew([]rules.Login{alice}, &owner, facts); err != nil || r.Identity != self || r.Link != nil {
		t.Errorf("a known login: got %+v %v, want its identity", r, err)
	}
}

func TestRole(t *testing.T) {
	const auth, unauth = "arn:aws:iam::000000000000:role/a", "arn:aws:iam::000000000000:role/u"
	both := rules.Pool{Roles: rules.Roles{Authenticated: auth, Unauthenticated: unauth}}
	for name, c := range map[string]struct {
		pool          rules.Pool
		authenticated bool
		custom        string
		want          string
	}{
		"step 1: guest":                     {both, false, "", unauth},
		"step 1: no role for guests":        {rules.Pool{Roles: rules.Roles{Authenticated: auth}}, false, "", noRole},
		"step 4: login":                     {both, true, "", auth},
		"step 4: no role for logins":        {rules.Pool{Roles: rules.Roles{Unauthenticated: unauth}}, true, "", noRole},
		"custom role that is due anyway":    {both, true, auth, auth},
		"custom role that nothing offers":   {both, true, unauth, "NotAuthorizedException: Access to Role '" + unauth + "' is forbidden."},
		"a guest asks for the login's role": {both, false, auth, "NotAuthorizedException: Access to Role '" + auth + "' is forbidden."},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := rules.Role(&c.pool, c.authenticated, c.custom)
			if err != nil {
				got = outcome(err)
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAccepts(t *testing.T) {
	p := rules.Pool{OIDCProviderARNs: []string{"arn:aws:iam::000000000000:oidc-provider/idp.example/tenant"}}
	for provider, want := range map[string]bool{
		"idp.example/tenant": true, "idp.example": false, "tenant": false, "https://idp.example/tenant": false, "": false, "IDP.example/tenant": false,
	} {
		if got := p.Accepts(provider); got != want {
			t.Errorf("Accepts(%q): got %v, want %v", provider, got, want)
		}
	}
}
