package transfer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/cognito/embedded/transfer"
)

const userPoolARN = "arn:aws:iam::" + account + ":oidc-provider/"

// wide is a pool at all bounds of the API's model.
func wide() rules.Pool {
	long := func(n int) string { return strings.Repeat("x", n) }
	p := rules.Pool{
		ID: "us-east-1:" + strings.Repeat("a", 45), Name: long(128), DeveloperProvider: long(128),
		OIDCProviderARNs: []string{userPoolARN + long(2048-len(userPoolARN))},
		PublicProviders:  map[string]string{"graph.facebook.com": long(128)},
		UserPools: []rules.UserPool{{Provider: "cognito-idp.us-east-1.amazonaws.com/us-east-1_" + long(82),
			ClientID: long(128)}},
		Tags: map[string]string{long(128): long(256)},
		Roles: rules.Roles{Authenticated: "arn:aws:iam::" + account + ":role/" + strings.Repeat("p/", 250) +
			"auth"},
		Mappings:       map[string]rules.Mapping{},
		GuestRetention: 24 * time.Hour,
	}
	for i := range 10 {
		client := fmt.Sprint("client", i)
		p.UserPools = append(p.UserPools, rules.UserPool{Provider: userPool, ClientID: client})
		p.Mappings[userPool+":"+client] = rules.Mapping{Type: "Rules", Ambiguous: "Deny", Rules: []rules.Rule{
			{Claim: long(64), Match: "Equals", Value: long(128), Role: p.Roles.Authenticated},
		}}
	}
	return p
}

// A file brings no pool that the API would refuse, or the configuration.
func TestPoolsAreWithinTheModel(t *testing.T) {
	const value = "secret value"
	for name, change := range map[string]func(p *rules.Pool){
		"":                              func(*rules.Pool) {}, // taken
		"characters in the name":        func(p *rules.Pool) { p.Name = "a/b" },
		"characters in the developers'": func(p *rules.Pool) { p.DeveloperProvider = "a b" },
		"the developers' name":          func(p *rules.Pool) { p.DeveloperProvider += "x" },
		"an OpenID provider's ARN":      func(p *rules.Pool) { p.OIDCProviderARNs[0] += "x" },
		"an app id":                     func(p *rules.Pool) { p.PublicProviders["graph.facebook.com"] += "x" },
		"characters in an app id":       func(p *rules.Pool) { p.PublicProviders["graph.facebook.com"] = value },
		"a user pool":                   func(p *rules.Pool) { p.UserPools[0].Provider += "x" },
		"an app client":                 func(p *rules.Pool) { p.UserPools[0].ClientID += "x" },
		"characters in an app client":   func(p *rules.Pool) { p.UserPools[0].ClientID = "a-b" },
		"a tag's key":                   func(p *rules.Pool) { p.Tags[strings.Repeat("y", 129)] = "" },
		"no key of a tag":               func(p *rules.Pool) { p.Tags[""] = "" },
		"a tag's value":                 func(p *rules.Pool) { p.Tags["y"] = strings.Repeat("y", 257) },
		"a role": func(p *rules.Pool) {
			p.Roles.Authenticated = strings.Replace(p.Roles.Authenticated, "p/", strings.Repeat("p/", 600), 1)
		},
		"a rule's role": func(p *rules.Pool) {
			p.Mappings[userPool+":client0"].Rules[0].Role = strings.Replace(p.Roles.Authenticated, "p/",
				strings.Repeat("p/", 600), 1)
		},
		"role mappings": func(p *rules.Pool) {
			p.Mappings["graph.facebook.com"] = rules.Mapping{Type: "Token", Ambiguous: "Deny"}
		},
		"characters in a rule's claim": func(p *rules.Pool) { p.Mappings[userPool+":client0"].Rules[0].Claim = "a b" },
		"a provider of a map of claims": func(p *rules.Pool) {
			p.PrincipalTags = map[string]rules.TagMap{p.OIDCProviderARNs[0]: {}}
		},
		"a retention of guests too short": func(p *rules.Pool) { p.GuestRetention-- },
		"a retention of guests too long":  func(p *rules.Pool) { p.GuestRetention = 11 * 365 * 24 * time.Hour },
		"a negative retention of guests":  func(p *rules.Pool) { p.GuestRetention = -1 },
	} {
		p := wide()
		change(&p)
		line, err := json.Marshal(map[string]any{"pool": p})
		if err != nil {
			t.Fatal(err)
		}
		_, err = bring(t, open(t), string(line))
		if _, refused := errors.AsType[*transfer.Error](err); refused != (name != "") {
			t.Errorf("%s: got %v, want it refused: %v", name, err, name != "")
		}
		if err != nil && strings.Contains(err.Error(), value) {
			t.Errorf("%s: got %v, want no sensitive value", name, err)
		}
	}
}

// Nor users whose ids no call could name.
func TestUsersAreWithinTheModel(t *testing.T) {
	for provider, longest := range map[string]string{"login.example": strings.Repeat("𐍈", 1024),
		"idp.example": strings.Repeat("x", 1024)} {
		for subject, want := range map[string]bool{longest: true, longest + "x": false, strings.Repeat("x", 1025): false} {
			line := `{"identity":{"id":"us-east-1:dd","pool":"` + poolID + `","logins":[{"provider":"` + provider +
				`","subject":"` + subject + `"}]}}`
			if _, err := bring(t, open(t), poolLine+line); (err == nil) != want {
				t.Errorf("%d bytes at %s: got %v, want them taken: %v", len(subject), provider, err, want)
			}
		}
	}
}

// Nor more pools than an account takes.
func TestPoolsAreBounded(t *testing.T) {
	s := open(t)
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		for i := range rules.MaxPools - 1 {
			if err := tx.PutPool(rules.Pool{ID: fmt.Sprintf("us-east-1:%04x", i), Name: "made"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bring(t, s, poolLine+alice); err != nil {
		t.Errorf("the last: got %v", err)
	}
	if _, err := bring(t, s, poolLine+alice); err != nil {
		t.Errorf("the last, once more: got %v", err)
	}
	if _, err := bring(t, s, `{"pool":{"id":"us-east-1:ffffff","name":"x"}}`); err == nil {
		t.Error("one more: got it taken")
	}
}
