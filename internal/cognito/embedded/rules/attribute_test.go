package rules_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

const (
	attribute   = "https://aws.amazon.com/SAML/Attributes/Role"
	otherSAML   = "arn:aws:iam::" + account + ":saml-provider/other"
	foreignSAML = "arn:aws:iam::111111111111:saml-provider/office"
)

// Roles of a SAML assertion: a mapping comes before the attribute, that before the pool's
// default role.
func TestRolesOfSAML(t *testing.T) {
	many := func(values ...any) claims { return claims{attribute: values} }
	one := func(value any) claims { return claims{attribute: value} }
	for name, c := range map[string]struct {
		claims claims
		custom string
		want   string
	}{
		"no attribute":                       {claims{}, "", dflt},
		"no attribute, and a role":           {claims{}, roleA, refused(roleA)},
		"no attribute, and the default":      {claims{}, dflt, dflt},
		"null":                               {one(nil), "", dflt},
		"role first":                         {one(roleA + "," + samlKey), "", roleA},
		"provider first":                     {one(samlKey + "," + roleA), "", roleA},
		"with blanks":                        {one(" " + samlKey + " , " + roleA + "\n"), "", roleA},
		"in a list":                          {many(roleA + "," + samlKey), "", roleA},
		"twice the same":                     {many(roleA+","+samlKey, samlKey+","+roleA), "", roleA},
		"one, and it is asked for":           {one(roleA + "," + samlKey), roleA, roleA},
		"one, and another is asked for":      {one(roleA + "," + samlKey), roleB, refused(roleB)},
		"one, and the default is asked for":  {one(roleA + "," + samlKey), dflt, refused(dflt)},
		"several":                            {many(roleA+","+samlKey, roleB+","+samlKey), "", denied(samlKey)},
		"several, and one is asked for":      {many(roleA+","+samlKey, roleB+","+samlKey), roleB, roleB},
		"several, and another is asked for":  {many(roleA+","+samlKey, roleB+","+samlKey), roleC, refused(roleC)},
		"another provider's":                 {one(roleA + "," + otherSAML), "", denied(samlKey)},
		"another provider's, asked for":      {one(roleA + "," + otherSAML), roleA, refused(roleA)},
		"another provider's beside":          {many(roleB+","+otherSAML, roleA+","+samlKey), "", roleA},
		"another provider's beside, wanted":  {many(roleB+","+otherSAML, roleA+","+samlKey), roleB, refused(roleB)},
		"another account's provider":         {one(roleA + "," + foreignSAML), "", denied(samlKey)},
		"another account's role":             {one(foreign + "," + samlKey), "", denied(samlKey)},
		"another account's role, asked for":  {one(foreign + "," + samlKey), foreign, refused(foreign)},
		"another account's role beside":      {many(foreign+","+samlKey, roleA+","+samlKey), "", roleA},
		"a role alone":                       {one(roleA), "", denied(samlKey)},
		"a provider alone":                   {one(samlKey), "", denied(samlKey)},
		"two roles":                          {one(roleA + "," + roleB), "", denied(samlKey)},
		"two providers":                      {one(samlKey + "," + samlKey), "", denied(samlKey)},
		"three":                              {one(roleA + "," + samlKey + "," + roleB), "", denied(samlKey)},
		"empty":                              {one(""), "", denied(samlKey)},
		"an empty list":                      {many(), "", denied(samlKey)},
		"no text":                            {many(roleA+","+samlKey, 1.0), "", denied(samlKey)},
		"what cannot be read beside":         {many(roleA+","+samlKey, "x"), "", denied(samlKey)},
		"what cannot be read beside, wanted": {many(roleA+","+samlKey, "x"), roleA, refused(roleA)},
		"upper case of the provider": {
			one(roleA + ",ARN:AWS:IAM::" + account + ":saml-provider/office"), "", denied(samlKey),
		},
		"the provider's name with more to it": {one(roleA + "," + samlKey + "2"), "", denied(samlKey)},
	} {
		p := everyKind()
		if got := answer(rules.ChooseRole(p, account, []rules.Proven{at(samlKey, "", c.claims)}, c.custom)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		p.Mappings = map[string]rules.Mapping{samlKey: rulesMapping("Deny", equals("dept", "it", roleC))}
		mapped := maps.Clone(c.claims)
		mapped["dept"] = "it"
		if got := answer(rules.ChooseRole(p, account, []rules.Proven{at(samlKey, "", mapped)}, "")); got != roleC {
			t.Errorf("%s, mapped: got %q, want %q", name, got, roleC)
		}
		got := answer(rules.ChooseRole(p, account, []rules.Proven{at(samlKey, "", c.claims)}, ""))
		if got != denied(samlKey) {
			t.Errorf("%s, and no rule matches: got %q, want %q", name, got, denied(samlKey))
		}
	}
}

// The attribute is of SAML providers alone, and one login more never helps against it.
func TestAttributeBesideOthers(t *testing.T) {
	p := everyKind()
	asserted := claims{attribute: roleA + "," + samlKey}
	if got := answer(rules.ChooseRole(p, account, []rules.Proven{at(googleID, "g:1", asserted)}, "")); got != dflt {
		t.Errorf("of an app: got %q, want %q", got, dflt)
	}
	both := []rules.Proven{at(googleID, "g:1", nil), at(samlKey, "", asserted)}
	if got := answer(rules.ChooseRole(p, account, both, "")); got != roleA {
		t.Errorf("beside an app's: got %q, want %q", got, roleA)
	}
	both[1].Claims = claims{attribute: roleA + "," + otherSAML}
	if got := answer(rules.ChooseRole(p, account, both, "")); got != denied(samlKey) {
		t.Errorf("denied beside an app's: got %q, want %q", got, denied(samlKey))
	}
	for claim, want := range map[string]bool{attribute: true, attribute + "SessionName": false} {
		if got := rules.RelevantClaim(p, samlKey, claim); got != want {
			t.Errorf("%s: got it relevant %v, want %v", claim, got, want)
		}
	}
	if rules.RelevantClaim(p, googleID, attribute) {
		t.Error("of an app: got the attribute relevant")
	}
}

// No token of ours has a role that an assertion gave, and none is made for one.
func TestNoTokenHasARoleOfSAML(t *testing.T) {
	p := everyKind()
	amr := rules.AMR(p, []rules.Proven{at(samlKey, "", claims{attribute: roleA + "," + samlKey})})
	if role, _ := rules.TokenRole(p, account, amr); role == roleA {
		t.Errorf("got the token of a SAML login good for %q", role)
	}
	const text = "Basic (classic) flow is not supported with SAML, please use enhanced flow."
	for provider, want := range map[string]string{
		samlKey: "InvalidParameterException: " + text, googleID: "", otherSAML: "",
	} {
		if got := outcome(rules.ClassicAllowed(p, slices.Values([]string{provider}))); got != want {
			t.Errorf("%s: got %q, want %q", provider, got, want)
		}
	}
}
