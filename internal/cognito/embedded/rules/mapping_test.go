package rules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

const (
	account  = "000000000000"
	roleA    = "arn:aws:iam::000000000000:role/a"
	roleB    = "arn:aws:iam::000000000000:role/path/b"
	roleC    = "arn:aws:iam::000000000000:role/c"
	dflt     = "arn:aws:iam::000000000000:role/authenticated"
	guest    = "arn:aws:iam::000000000000:role/guest"
	foreign  = "arn:aws:iam::111111111111:role/a"
	googleID = "accounts.google.com"
	appleID  = "appleid.apple.com"
	oidcID   = "idp.example/tenant"
	oidcKey  = "arn:aws:iam::000000000000:oidc-provider/idp.example/tenant"
	poolID   = "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"
)

// google is a pool with a mapping for Google and none for its other providers.
func google(m rules.Mapping) *rules.Pool {
	return poolOf(map[string]rules.Mapping{googleID: m})
}

func poolOf(mappings map[string]rules.Mapping) *rules.Pool {
	return &rules.Pool{
		ID:                "us-east-1:44444444-4444-4444-8444-444444444444",
		DeveloperProvider: "login.example",
		Roles:             rules.Roles{Authenticated: dflt, Unauthenticated: guest},
		PublicProviders:   map[string]string{googleID: "app", appleID: "bundle"},
		OIDCProviderARNs:  []string{oidcKey},
		UserPools:         []rules.UserPool{{Provider: poolID, ClientID: "web"}, {Provider: poolID, ClientID: "ios"}},
		Mappings:          mappings,
	}
}

func rulesMapping(ambiguous string, list ...rules.Rule) rules.Mapping {
	return rules.Mapping{Type: "Rules", Ambiguous: ambiguous, Rules: list}
}

func equals(claim, value, role string) rules.Rule {
	return rules.Rule{Claim: claim, Match: "Equals", Value: value, Role: role}
}

func at(provider, client string, c rules.Claims) rules.Proven {
	return rules.Proven{Login: rules.Login{Provider: provider, Subject: "alice"}, ClientID: client, Claims: c}
}

func atGoogle(c rules.Claims) rules.Proven { return at(googleID, "app", c) }

func denied(provider string) string {
	return "NotAuthorizedException: The ambiguous role mapping rules for: " + provider + " denied this request."
}

func refused(role string) string {
	return "NotAuthorizedException: Access to Role '" + role + "' is forbidden."
}

// answer is the role or the refusal.
func answer(c rules.RoleChoice) string {
	role, err := c.Result()
	if err != nil {
		return outcome(err)
	}
	return role
}

// Type Token (docs/cognito.md#roles-from-the-token), and its refusals (#denied-roles).
func TestTokenMapping(t *testing.T) {
	const both = `{"cognito:roles":["` + roleA + `","` + roleB + `"]}`
	for name, c := range map[string]struct {
		claims, custom string
		deny           string // with AmbiguousRoleResolution Deny
		other          string // with AuthenticatedRole; empty: the same
	}{
		"preferred": {`{"cognito:preferred_role":"` + roleB + `","cognito:roles":["` + roleA +
			`","` + roleB + `"]}`, "", roleB, ""},
		"preferred, roles as a text": {`{"cognito:preferred_role":"` + roleB + `","cognito:roles":"` + roleA +
			`, ` + roleB + `"}`, "", roleB, ""},
		"preferred without a list": {`{"cognito:preferred_role":"` + roleA + `"}`, "", roleA, ""},
		"preferred, a list of null": {`{"cognito:preferred_role":"` + roleA + `","cognito:roles":null}`, "",
			roleA, ""},
		"preferred, an empty list": {`{"cognito:preferred_role":"` + roleA + `","cognito:roles":[]}`, "",
			denied(googleID), ""},
		"preferred, an empty text": {`{"cognito:preferred_role":"` + roleA + `","cognito:roles":""}`, "",
			denied(googleID), ""},
		"preferred that is not listed": {`{"cognito:preferred_role":"` + roleC + `","cognito:roles":["` + roleA +
			`"]}`, "", denied(googleID), ""},
		"preferred of another account": {`{"cognito:preferred_role":"` + foreign + `"}`, "", denied(googleID), ""},
		"preferred that is no ARN":     {`{"cognito:preferred_role":"admin"}`, "", denied(googleID), ""},
		"preferred that is no text":    {`{"cognito:preferred_role":["` + roleA + `"]}`, "", denied(googleID), ""},
		"preferred that is empty": {`{"cognito:preferred_role":"","cognito:roles":["` + roleA + `"]}`, "",
			roleA, ""},
		"one role":                    {`{"cognito:roles":["` + roleA + `"]}`, "", roleA, ""},
		"one role as a text":          {`{"cognito:roles":"` + roleA + `"}`, "", roleA, ""},
		"one role twice":              {`{"cognito:roles":["` + roleA + `","` + roleA + `"]}`, "", roleA, ""},
		"one role of another account": {`{"cognito:roles":["` + foreign + `"]}`, "", denied(googleID), ""},
		"one of ours, one of another account": {`{"cognito:roles":["` + roleA + `","` + foreign + `"]}`, "",
			denied(googleID), dflt},
		"two roles": {both, "", denied(googleID), dflt},
		"two roles as a text": {`{"cognito:roles":"` + roleA + `,` + roleB + `"}`, "", denied(googleID),
			dflt},
		"no role claim": {`{}`, "", denied(googleID), dflt},
		"role claims of null": {`{"cognito:roles":null,"cognito:preferred_role":null}`, "",
			denied(googleID), dflt},
		"an empty list":                  {`{"cognito:roles":[]}`, "", denied(googleID), dflt},
		"an empty text":                  {`{"cognito:roles":""}`, "", denied(googleID), dflt},
		"a list that is an object":       {`{"cognito:roles":{"` + roleA + `":true}}`, "", denied(googleID), ""},
		"a list that is a number":        {`{"cognito:roles":1}`, "", denied(googleID), ""},
		"a list with a number":           {`{"cognito:roles":["` + roleA + `",1]}`, "", denied(googleID), ""},
		"a list with a name":             {`{"cognito:roles":["` + roleA + `","b"]}`, "", denied(googleID), ""},
		"a text of a name with a comma":  {`{"cognito:roles":"` + roleA + `,b"}`, "", denied(googleID), ""},
		"a text with a comma at the end": {`{"cognito:roles":"` + roleA + `,"}`, "", denied(googleID), ""},
		"other claims do not count": {`{"roles":["` + roleA + `"],"Cognito:roles":["` + roleA + `"]}`, "",
			denied(googleID), dflt},
		"custom of two":    {both, roleB, roleB, ""},
		"custom of a text": {`{"cognito:roles":"` + roleA + `,` + roleB + `"}`, roleB, roleB, ""},
		"custom beside the preferred": {`{"cognito:preferred_role":"` + roleA + `","cognito:roles":["` + roleA +
			`","` + roleB + `"]}`, roleB, roleB, ""},
		"custom that is not listed":            {both, roleC, refused(roleC), ""},
		"custom is the default role":           {both, dflt, refused(dflt), ""},
		"custom is preferred, without a list":  {`{"cognito:preferred_role":"` + roleA + `"}`, roleA, refused(roleA), ""},
		"custom without role claims":           {`{}`, roleA, refused(roleA), ""},
		"custom of another account":            {`{"cognito:roles":["` + foreign + `"]}`, foreign, refused(foreign), ""},
		"custom of a list that cannot be read": {`{"cognito:roles":["` + roleA + `",{}]}`, roleA, refused(roleA), ""},
		"custom out of a name with a comma":    {`{"cognito:roles":"` + roleA + `,b"}`, roleA, refused(roleA), ""},
		"custom in other letters":              {both, strings.ToUpper(roleA), refused(strings.ToUpper(roleA)), ""},
		"custom, a preferred role not in a list": {`{"cognito:preferred_role":"` + roleC + `","cognito:roles":["` + roleA +
			`"]}`, roleC, refused(roleC), ""},
	} {
		t.Run(name, func(t *testing.T) {
			for resolution, want := range map[string]string{"Deny": c.deny, "AuthenticatedRole": c.other, "": c.deny,
				"Other": c.deny} {
				if want == "" {
					want = c.deny
				}
				p := google(rules.Mapping{Type: "Token", Ambiguous: resolution})
				got := answer(rules.ChooseRole(p, account, []rules.Proven{atGoogle(decoded(t, c.claims))}, c.custom))
				if got != want {
					t.Errorf("resolution %q: got %q, want %q", resolution, got, want)
				}
			}
		})
	}
}

// Type Rules (docs/cognito.md#roles-from-rules).
func TestRulesMapping(t *testing.T) {
	three := []rules.Rule{equals("g", "1", roleA), {Claim: "g", Match: "StartsWith", Value: "1", Role: roleB},
		equals("h", "2", roleA)}
	for name, c := range map[string]struct {
		claims, custom string
		ambiguous      string
		want           string
		evaluated, won int
	}{
		"the first that matches":             {`{"g":"1"}`, "", "Deny", roleA, 1, 1},
		"the second":                         {`{"g":"12"}`, "", "Deny", roleB, 2, 2},
		"the third":                          {`{"h":"2"}`, "", "Deny", roleA, 3, 3},
		"none, Deny":                         {`{"g":"2"}`, "", "Deny", denied(googleID), 3, 0},
		"none, AuthenticatedRole":            {`{"g":"2"}`, "", "AuthenticatedRole", dflt, 3, 0},
		"none, a resolution that is missing": {`{"g":"2"}`, "", "", denied(googleID), 3, 0},
		"custom overrides the order":         {`{"g":"1"}`, roleB, "Deny", roleB, 2, 2},
		"custom of the first":                {`{"g":"1"}`, roleA, "Deny", roleA, 1, 1},
		"custom of a later rule":             {`{"g":"12","h":"2"}`, roleA, "Deny", roleA, 3, 3},
		"custom of a rule that fails":        {`{"g":"12"}`, roleA, "Deny", refused(roleA), 3, 2},
		"custom, no rule matches":            {`{}`, roleA, "AuthenticatedRole", refused(roleA), 3, 0},
		"custom is the default role":         {`{}`, dflt, "AuthenticatedRole", refused(dflt), 3, 0},
		"custom of no rule":                  {`{"g":"1"}`, roleC, "AuthenticatedRole", refused(roleC), 3, 1},
		"role claims do not count": {`{"cognito:preferred_role":"` + roleC + `"}`, "", "Deny", denied(googleID), 3,
			0},
		"custom out of role claims": {`{"g":"1","cognito:roles":["` + roleC + `"]}`, roleC, "Deny", refused(roleC),
			3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := rules.ChooseRole(google(rulesMapping(c.ambiguous, three...)), account,
				[]rules.Proven{atGoogle(decoded(t, c.claims))}, c.custom)
			if answer(got) != c.want {
				t.Errorf("got %q, want %q", answer(got), c.want)
			}
			if l := got.Logins[0]; len(l.Rules) != c.evaluated || l.Winner != c.won {
				t.Errorf("got %d rules evaluated and rule %d won, want %d and %d", len(l.Rules), l.Winner, c.evaluated, c.won)
			}
		})
	}
}

// Which mapping is a login's, and whose role is due without one
// (docs/cognito.md#role-resolution).
func TestMappingKeys(t *testing.T) {
	yes := claims{"ok": "1"}
	hit := rulesMapping("Deny", equals("ok", "1", roleA))
	only := func(key string) *rules.Pool { return poolOf(map[string]rules.Mapping{key: hit}) }
	twice := only(googleID)
	twice.OIDCProviderARNs = append(twice.OIDCProviderARNs, "arn:aws:iam::000000000000:oidc-provider/"+googleID)
	bare := only(googleID)
	bare.Roles.Authenticated = ""
	resolved := google(rulesMapping("AuthenticatedRole", equals("ok", "1", roleA)))
	resolved.Roles.Authenticated = ""
	for name, c := range map[string]struct {
		pool   *rules.Pool
		login  rules.Proven
		custom string
		want   string
		key    string
	}{
		"a public domain":                   {only(googleID), atGoogle(yes), "", roleA, googleID},
		"another public domain":             {only(googleID), at(appleID, "bundle", yes), "", dflt, ""},
		"a provider's ARN":                  {only(oidcKey), at(oidcID, "x", yes), "", roleA, oidcKey},
		"listed as domain and by ARN":       {twice, atGoogle(yes), "", roleA, googleID},
		"an app client of a user pool":      {only(poolID + ":web"), at(poolID, "web", yes), "", roleA, poolID + ":web"},
		"another client of it":              {only(poolID + ":web"), at(poolID, "ios", yes), "", dflt, ""},
		"a user pool without a client":      {only(poolID), at(poolID, "", nil), "", denied(poolID), poolID},
		"a mapping, no default role":        {bare, atGoogle(yes), "", roleA, googleID},
		"resolved to no default role":       {resolved, atGoogle(claims{}), "", noRole, googleID},
		"claims that nobody gave":           {only(googleID), atGoogle(nil), "", denied(googleID), googleID},
		"a developer user":                  {only(googleID), at("login.example", "", nil), "", dflt, ""},
		"a developer user, a stale mapping": {only("login.example"), at("login.example", "", nil), "", dflt, ""},
		"a pass-through token":              {only(googleID), at(cognito.PassThrough, "", nil), "", dflt, ""},
		"no mapping, custom as due":         {only(oidcKey), atGoogle(yes), dflt, dflt, ""},
		"no mapping, custom":                {only(oidcKey), atGoogle(yes), roleA, refused(roleA), ""},
		"an unknown type": {poolOf(map[string]rules.Mapping{googleID: {Ambiguous: "AuthenticatedRole"}}),
			atGoogle(yes), "", denied(googleID), googleID},
		"no mapping, no default role": {bare, at(appleID, "bundle", yes), "", noRole, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := rules.ChooseRole(c.pool, account, []rules.Proven{c.login}, c.custom)
			if answer(got) != c.want || got.Logins[0].Key != c.key {
				t.Errorf("got %q by mapping %q, want %q by %q", answer(got), got.Logins[0].Key, c.want, c.key)
			}
		})
	}
}

// A pool may list an OpenID provider under ARNs of several accounts. What stands
// under any of them is of the provider.
func TestSettingsUnderAnyARN(t *testing.T) {
	const second = "arn:aws:iam::111111111111:oidc-provider/" + oidcID
	p := poolOf(map[string]rules.Mapping{second: rulesMapping("Deny", equals("r", "a", roleA))})
	p.OIDCProviderARNs = append(p.OIDCProviderARNs, second)
	p.PrincipalTags = map[string]rules.TagMap{second: {Tags: map[string]string{"t": "c"}}}
	user := []rules.Proven{at(oidcID, "x", claims{"c": "v"})}
	if got := answer(rules.ChooseRole(p, account, user, "")); got != denied(oidcID) {
		t.Errorf("role: got %q, want %q", got, denied(oidcID))
	}
	if got := rules.PrincipalTags(p, user); got["t"] != "v" {
		t.Errorf("tags: got %v, want the claim's", got)
	}
	if !rules.RelevantClaim(p, oidcID, "r") || !rules.RelevantClaim(p, oidcID, "c") {
		t.Error("got a claim that is named, and not relevant")
	}
}

// Mappings never apply to guests.
func TestGuestRole(t *testing.T) {
	p := google(rules.Mapping{Type: "Token", Ambiguous: "Deny"})
	bare := *p
	bare.Roles.Unauthenticated = ""
	for _, c := range []struct {
		pool         *rules.Pool
		custom, want string
	}{
		{p, "", guest}, {p, guest, guest}, {p, dflt, refused(dflt)}, {p, roleA, refused(roleA)},
		{&bare, "", noRole}, {&bare, roleA, noRole},
	} {
		got := rules.ChooseRole(c.pool, account, nil, c.custom)
		if answer(got) != c.want || !got.Guest {
			t.Errorf("custom %q: got %q, guest %v, want %q", c.custom, answer(got), got.Guest, c.want)
		}
	}
}

func TestZeroRoleChoiceDenies(t *testing.T) {
	if role, err := (rules.RoleChoice{}).Result(); role != "" || err == nil {
		t.Errorf("got role %q, error %v, want an error", role, err)
	}
}

// Several logins (docs/fidelity.md#roles). The claim r names the role that a login's
// mapping gives.
func TestSeveralLogins(t *testing.T) {
	m := rulesMapping("Deny", equals("r", "a", roleA), equals("r", "b", roleB), equals("s", "c", roleC))
	p := poolOf(map[string]rules.Mapping{googleID: m, appleID: m})
	bare := *p
	bare.Roles.Authenticated = ""
	g, a := func(c claims) rules.Proven { return atGoogle(c) }, func(c claims) rules.Proven {
		return at(appleID, "bundle", c)
	}
	silent, developer := at(oidcID, "x", claims{"r": "b"}), at("login.example", "", nil)
	for name, c := range map[string]struct {
		pool   *rules.Pool
		proven []rules.Proven
		custom string
		want   string
	}{
		"equal roles": {p, []rules.Proven{g(claims{"r": "a"}), a(claims{"r": "a"})}, "", roleA},
		"different roles": {p, []rules.Proven{a(claims{"r": "a"}), g(claims{"r": "b"})}, "",
			denied(googleID)},
		"one denies":              {p, []rules.Proven{g(claims{"r": "a"}), a(claims{})}, "", denied(appleID)},
		"both deny":               {p, []rules.Proven{a(claims{}), g(claims{})}, "", denied(googleID)},
		"custom picks the first":  {p, []rules.Proven{g(claims{"r": "a"}), a(claims{"r": "b"})}, roleA, roleA},
		"custom picks the second": {p, []rules.Proven{g(claims{"r": "a"}), a(claims{"r": "b"})}, roleB, roleB},
		"custom picks what one offers beside": {p, []rules.Proven{g(claims{"r": "a", "s": "c"}), a(claims{"r": "b"})}, roleC,
			roleC},
		"custom picks neither": {p, []rules.Proven{g(claims{"r": "a"}), a(claims{"r": "b"})}, roleC,
			refused(roleC)},
		"custom, one denies": {p, []rules.Proven{g(claims{"r": "a"}), a(claims{})}, roleA, denied(appleID)},
		"custom is the default role": {p, []rules.Proven{g(claims{"r": "a"}), a(claims{"r": "b"})}, dflt,
			refused(dflt)},
		"one without a mapping is silent": {p, []rules.Proven{silent, g(claims{"r": "a"})}, "", roleA},
		"and so is a developer user":      {p, []rules.Proven{g(claims{"r": "a"}), developer}, "", roleA},
		"silence overrules no denial":     {p, []rules.Proven{silent, developer, g(claims{})}, "", denied(googleID)},
		"none has a mapping":              {p, []rules.Proven{silent, developer}, "", dflt},
		"none, and no default role":       {&bare, []rules.Proven{silent, developer}, "", noRole},
		"a mapping needs no default role": {&bare, []rules.Proven{silent, g(claims{"r": "a"})}, "", roleA},
	} {
		t.Run(name, func(t *testing.T) {
			got := rules.ChooseRole(c.pool, account, c.proven, c.custom)
			if answer(got) != c.want {
				t.Errorf("got %q, want %q", answer(got), c.want)
			}
		})
	}
}

// The trace tells of every login, and shows what rules name and no more.
func TestRoleTrace(t *testing.T) {
	p := poolOf(map[string]rules.Mapping{
		googleID: rulesMapping("AuthenticatedRole", equals("g", "x", roleA), equals("none", "y", roleB)),
		appleID:  {Type: "Token", Ambiguous: "Deny"},
	})
	proven := []rules.Proven{
		at(oidcID, "x", claims{"email": "secret@example.com"}),
		at(appleID, "bundle",
			claims{"cognito:roles": []any{roleA, dflt}, "cognito:preferred_role": dflt, "email": "secret@example.com"}),
		atGoogle(claims{"g": []any{strings.Repeat("ü", 200)}, "email": "secret@example.com"}),
	}
	want := rules.RoleChoice{
		Role: dflt, Default: dflt, Why: "all logins with a role mapping give this role",
		Logins: []rules.LoginChoice{
			{
				Provider: googleID, Key: googleID, Type: "Rules", Role: dflt, Ambiguous: "AuthenticatedRole",
				Why: "neither a role claim nor a rule decides: AmbiguousRoleResolution",
				Rules: []rules.RuleTrace{
					{Rule: equals("g", "x", roleA), Present: true, Got: `["` + strings.Repeat("ü", 125) + "…"},
					{Rule: equals("none", "y", roleB)},
				},
			},
			{
				Provider: appleID, Key: appleID, Type: "Token", Role: dflt, Why: "cognito:preferred_role",
				Roles: []string{roleA, dflt}, Preferred: dflt,
			},
			{Provider: oidcID},
		},
	}
	if diff := cmp.Diff(want, rules.ChooseRole(p, account, proven, "")); diff != "" {
		t.Errorf("choice (-want +got):\n%s", diff)
	}
}
