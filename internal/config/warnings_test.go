package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

// What is valid and seldom meant is warned of, with its key; what is meant is not.
func TestWarnings(t *testing.T) {
	metadata := filepath.Join(t.TempDir(), "metadata.xml")
	if err := os.WriteFile(metadata, []byte("<EntityDescriptor/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		own, theirs = "'arn:aws:iam::000000000000:role/a'", "'arn:aws:iam::999999999999:role/a'"
		roles       = "roles: {authenticated: " + own + ", unauthenticated: " + own + "}, "
		googleApp   = "supported_login_providers: {accounts.google.com: a, graph.facebook.com: '1', www.amazon.com: a}, "
		office      = "saml_provider_arns: ['" + samlIssuer + "'], "
		client      = "cognito_identity_providers: [{provider_name: '%', client_id: c}], "
		near        = "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"
	)
	token := func(key string) string {
		return "role_mappings: {'" + key + "': {type: Token, ambiguous_role_resolution: Deny}}"
	}
	rule := func(key, claim, role string) string {
		return "role_mappings: {'" + key + "': {type: Rules, ambiguous_role_resolution: Deny, rules_configuration: {rules: [" +
			"{claim: '" + claim + "', match_type: Equals, value: a, role_arn: " + role + "}]}}}"
	}
	tags := func(key, text string) string { return "principal_tags: {'" + key + "': {" + text + "}}" }
	for _, tt := range []struct{ pool, path, part string }{
		{roles + strings.Replace(client, "%", near, 1), "", ""},
		{roles + strings.Replace(client, "%", "issuer-"+near, 1), "", ""},
		{roles + strings.Replace(client, "%", "localhost:9229/local_1", 1), "", ""},
		{roles + strings.Replace(client, "%", realPool, 1), "cognito_identity_providers[0].provider_name", "another region"},
		{roles + strings.Replace(client, "%", "issuer-"+realPool, 1), "cognito_identity_providers[0].provider_name", "another region"},

		{"roles: {authenticated: " + theirs + "}", "roles.authenticated", "another account"},
		{"roles: {unauthenticated: " + theirs + "}", "roles.unauthenticated", "another account"},
		{roles + googleApp + rule("accounts.google.com", "email", theirs), `role_mappings."accounts.google.com".rules_configuration.rules[0].role_arn`, "another account"},
		{roles + googleApp + rule("accounts.google.com", "email", own), "", ""},

		{"roles: {}", "roles", "gives nobody a role"},
		{"allow_classic_flow: true, " + googleApp, "roles", "gives nobody a role"},
		{"roles: {unauthenticated: " + own + "}, " + googleApp, "roles.authenticated", "every login"},
		{"roles: {unauthenticated: " + own + "}, developer_provider_name: a.b", "roles.authenticated", "every login"},
		{"allow_unauthenticated_identities: true, roles: {authenticated: " + own + "}", "roles.unauthenticated", "guests"},
		{"roles: {authenticated: " + own + "}", "", ""},
		{"roles: {unauthenticated: " + own + "}", "", ""},
		{office, "", ""}, // its assertions may bring roles
		{googleApp + rule("accounts.google.com", "email", own), "", ""},
		{googleApp + strings.Replace(rule("accounts.google.com", "email", own), "Deny", "AuthenticatedRole", 1), `role_mappings."accounts.google.com".ambiguous_role_resolution`, "no roles.authenticated"},

		{roles + office + token(samlIssuer), `role_mappings."` + samlIssuer + `".type`, "logins of kind saml have no cognito:roles and no cognito:preferred_role: ambiguous_role_resolution decides alone, and the attribute Role"},
		{roles + googleApp + token("accounts.google.com"), `role_mappings."accounts.google.com".type`, "logins of kind google have no cognito:roles"},
		{roles + googleApp + token("www.amazon.com"), `role_mappings."www.amazon.com".type`, "logins of kind amazon have no"},
		{roles + "open_id_connect_provider_arns: ['" + oidcPrefix + "accounts.google.com'], " + token(oidcPrefix+"accounts.google.com"), `role_mappings."` + oidcPrefix + `accounts.google.com".type`, "logins of kind google"},
		{roles + "open_id_connect_provider_arns: ['" + oidcPrefix + "oidc.test'], " + token(oidcPrefix+"oidc.test"), "", ""},
		{roles + strings.Replace(client, "%", near, 1) + token(near+":c"), "", ""},

		{roles + office + rule(samlIssuer, "cognito:groups", own), `role_mappings."` + samlIssuer + `".rules_configuration.rules[0].claim`, "attributes, by their full names"},
		{roles + office + rule(samlIssuer, "groups", own), "", ""},
		{roles + googleApp + rule("graph.facebook.com", "email", own), `role_mappings."graph.facebook.com".rules_configuration.rules[0].claim`, "iss, aud and sub alone"},
		{roles + googleApp + rule("graph.facebook.com", "sub", own), "", ""},
		{roles + office + tags(samlIssuer, "principal_tags: {user: sub}"), `principal_tags."` + samlIssuer + `".principal_tags.user`, "attributes, by their full names"},
		{roles + office + tags(samlIssuer, "principal_tags: {mail: 'urn:oid:0.9.2342.19200300.100.1.3'}"), "", ""},
		{roles + office + tags(samlIssuer, "use_defaults: true"), "", ""},
		{roles + office + tags(samlIssuer, "use_defaults: true, principal_tags: {mail: mail}"), `principal_tags."` + samlIssuer + `".principal_tags`, "beside use_defaults"},
		{roles + googleApp + tags("www.amazon.com", "principal_tags: {mail: email}"), `principal_tags."www.amazon.com".principal_tags.mail`, "iss, aud and sub alone"},
		{roles + googleApp + tags("accounts.google.com", "principal_tags: {mail: email}"), "", ""},
	} {
		more := "  - {provider: " + near + ", kind: user_pool}\n  - {provider: '" + samlIssuer + "', kind: saml, metadata_file: " + metadata + "}\n"
		got := mustLoad(t, development+allKinds+more+pool(tt.pool)).Warnings()
		got = slices.DeleteFunc(got, func(w config.Warning) bool { return strings.HasPrefix(w.Path, "login_providers") })
		switch {
		case tt.path == "" && len(got) > 0:
			t.Errorf("%s: got %v, want no warning", tt.pool, got)
		case tt.path != "" && (len(got) != 1 || got[0].Path != "pools[0]."+tt.path || !strings.Contains(got[0].Text, tt.part)):
			t.Errorf("%s: got %v, want one at %s with %q", tt.pool, got, tt.path, tt.part)
		}
	}
	loose := "roles: [{arn: " + theirs + "}, {arn: " + own + "}]\n"
	if got := mustLoad(t, development+loose).Warnings(); len(got) != 1 || got[0].Path != "roles[0].arn" {
		t.Errorf("roles: got %v, want one of the first", got)
	}
	if got := mustLoad(t, upstream+pool("roles: {authenticated: "+theirs+"}")).Warnings(); !slices.Equal(got, nil) {
		t.Errorf("in front of upstream: got %v, want none", got)
	}
}

// Login providers that do nothing for the pools of the file are warned of, and entries of pools that no
// login fits.
func TestWarningsOfProviders(t *testing.T) {
	metadata := filepath.Join(t.TempDir(), "metadata.xml")
	if err := os.WriteFile(metadata, []byte("<EntityDescriptor/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		near   = "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"
		google = "{provider: accounts.google.com, kind: google}"
		both   = "{provider: accounts.google.com, kind: google, client_ids: [a]}"
		asking = "{provider: " + near + ", kind: user_pool, admin_get_user: true}"
		client = "cognito_identity_providers: [{provider_name: issuer-" + near + ", client_id: a"
		oidc   = "open_id_connect_provider_arns: ['" + oidcPrefix
		theirs = "arn:aws:iam::999999999999:"
	)
	saml := func(arn string) string {
		return "{provider: '" + arn + "', kind: saml, metadata_file: '" + metadata + "'}"
	}
	for _, tt := range []struct{ providers, pool, path, part string }{
		{"{provider: oidc.test, issuer: 'https://oidc.test', client_ids: [a]}", "", "login_providers[0]", "listed by no pool"},
		{"{provider: oidc.test, issuer: 'https://oidc.test', client_ids: [a]}", oidc + "oidc.test']", "", ""},
		{google, "", "login_providers[0]", "listed by no pool"},
		{google, "supported_login_providers: {accounts.google.com: a}", "", ""},
		{saml(samlIssuer), "", "login_providers[0]", "listed by no pool"},
		{saml(samlIssuer), "saml_provider_arns: ['" + samlIssuer + "']", "", ""},
		{saml(theirs + "saml-provider/o"), "saml_provider_arns: ['" + theirs + "saml-provider/o']", "pools[0].saml_provider_arns[0]", "another account"},
		{both, "open_id_connect_provider_arns: ['" + theirs + "oidc-provider/accounts.google.com']", "pools[0].open_id_connect_provider_arns[0]", "another account"},
		{both, "supported_login_providers: {accounts.google.com: a}", "login_providers[0].client_ids", "has no effect"},
		{both, "supported_login_providers: {accounts.google.com: a}, " + oidc + "accounts.google.com']", "", ""},
		{google, "supported_login_providers: {accounts.google.com: 'a;b'}", `pools[0].supported_login_providers."accounts.google.com"`, "client_ids of the login provider"},
		{"{provider: www.amazon.com, kind: amazon}", "supported_login_providers: {www.amazon.com: 'a;b'}", `pools[0].supported_login_providers."www.amazon.com"`, "no token has a list"},
		{asking, client + "}]", "login_providers[0].admin_get_user", "no user is asked for"},
		{asking, client + ", server_side_token_check: false}]", "login_providers[0].admin_get_user", "no user is asked for"},
		{asking, client + ", server_side_token_check: true}]", "", ""},
	} {
		text := "login_providers: [" + tt.providers + "]\n" + pool("roles: {authenticated: 'arn:aws:iam::000000000000:role/a'}, "+tt.pool)
		got := mustLoad(t, development+text).Warnings()
		switch {
		case tt.path == "" && len(got) > 0:
			t.Errorf("%s: got %v, want no warning", text, got)
		case tt.path != "" && (len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Text, tt.part)):
			t.Errorf("%s: got %v, want one at %s with %q", text, got, tt.path, tt.part)
		}
	}
	if got := mustLoad(t, development+allKinds).Warnings(); len(got) > 0 {
		t.Errorf("without pools: got %v, want none: the API makes them", got)
	}
}
