package main

import (
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// In front of Cognito a fresh token of a login has the cached answer, unless the configuration says that the pool
// maps a claim which is another one in it: then never.
func TestMappedClaimsAreInTheKey(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t)
	behind := startBroker(t, []string{idp.URL}, "")
	now := time.Now()
	token := func(ago time.Duration) map[string]any {
		at := now.Add(-ago)
		return map[string]any{"logins": map[string]string{
			idp.Name(): idp.Token(idptest.Claims{"sub": "alice", "auth_time": at.Unix(), "sid": at.String()}),
		}}
	}
	arn := "arn:aws:iam::000000000000:oidc-provider/" + idp.Name()
	for what, c := range map[string]struct{ pool, fresh string }{
		"no mapping":    {"", "hit"},
		"another claim": {"principal_tags: {'" + arn + "': {principal_tags: {mail: email}}}", "hit"},
		"of a tag":      {"principal_tags: {'" + arn + "': {principal_tags: {since: auth_time}}}", "miss"},
		"of a rule": {"role_mappings: {'" + arn + "': {type: Rules, ambiguous_role_resolution: Deny, rules_configuration: " +
			"{rules: [{claim: sid, match_type: Equals, value: x, role_arn: 'arn:aws:iam::000000000000:role/demo-auth'}]}}}", "miss"},
	} {
		pool := "pools:\n  - {id: '" + demoPool + "', name: demo, open_id_connect_provider_arns: ['" + arn + "']"
		if c.pool != "" {
			pool += ", " + c.pool
		}
		front := startUpstream(t, behind, behind.url, pool+"}\n", idp.URL)
		for n, want := range []string{"miss", "hit", c.fresh} {
			body := token(0)
			if n == 2 {
				body = token(time.Minute)
			}
			a := front.rest(t, demoPool, "credentials", body)
			if a.status != 200 || a.header.Get("X-Cache") != want {
				t.Errorf("%s, ask %d: got %d, X-Cache %q, want %q: %s", what, n, a.status, a.header.Get("X-Cache"), want, a.tree["detail"])
			}
		}
	}
}
