package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/config"
)

// allKinds configures a provider of each kind; oidc.test is a plain one.
const allKinds = `login_providers:
  - {provider: oidc.test, issuer: 'https://oidc.test', client_ids: [a]}
  - {provider: accounts.google.com, kind: google, client_ids: [a]}
  - {provider: appleid.apple.com, kind: apple}
  - {provider: graph.facebook.com, kind: facebook}
  - {provider: www.amazon.com, kind: amazon}
  - {provider: cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc, kind: user_pool}
  - {provider: 'localhost:9229/local_1', kind: user_pool}
`

const oidcPrefix = "arn:aws:iam::000000000000:oidc-provider/"

// Pools list every kind, and only what login_providers has of that kind.
func TestProvidersOfPools(t *testing.T) {
	clients := func(text string) string { return "cognito_identity_providers: [{" + text + "}]" }
	oidc := func(name string) string { return "open_id_connect_provider_arns: ['" + oidcPrefix + name + "']" }
	for text, want := range map[string]string{
		clients("provider_name: " + realPool + ", client_id: a_1"):                                      "",
		clients("provider_name: issuer-" + realPool + ", client_id: a, server_side_token_check: false"): "",
		clients("provider_name: 'localhost:9229/local_1', client_id: a"):                                "",
		oidc("oidc.test"): "",
		oidc("accounts.google.com") + ", supported_login_providers: {accounts.google.com: a}":                                                  "",
		"supported_login_providers: {accounts.google.com: a.apps, appleid.apple.com: b, graph.facebook.com: '123', www.amazon.com: amzn1.app}": "",

		clients("client_id: a"):                                    "cognito_identity_providers[0].provider_name: is missing; expected cognito-idp.<region>",
		clients("provider_name: " + realPool):                      "cognito_identity_providers[0].client_id: is missing",
		clients("provider_name: " + realPool + ", client_id: a-b"): "cognito_identity_providers[0].client_id: has not the right form",
		clients("provider_name: idp.test, client_id: a"):           "cognito_identity_providers[0].provider_name: is not the name of a user pool",
		clients("provider_name: " + realPool + "x, client_id: a"):  "cognito_identity_providers[0].provider_name: names no login provider of kind user_pool",
		clients("provider_name: " + realPool + ", client_id: a}, {provider_name: issuer-" + realPool + ", client_id: a"): "cognito_identity_providers[1]: stands there twice",
		clients("provider_name: " + realPool + ", client_id: a, check: true"):                                            "cognito_identity_providers[0].check: unknown key",
		clients(strings.Repeat("client_id: a}, {", 50) + "client_id: a"):                                                 "cognito_identity_providers: is too long",

		oidc("accounts.google.com") + ", role_mappings: {accounts.google.com: {}}": `role_mappings."accounts.google.com": is no provider of the pool`,
		oidc("appleid.apple.com"):                                 "open_id_connect_provider_arns[0]: names a login provider without client_ids",
		oidc("graph.facebook.com"):                                "open_id_connect_provider_arns[0]: is a login provider of kind facebook",
		oidc("nobody.test"):                                       "open_id_connect_provider_arns[0]: names no login provider of kind oidc",
		"supported_login_providers: {accounts.google.com: ''}":    `supported_login_providers."accounts.google.com": is not the id of an app`,
		"supported_login_providers: {accounts.google.com: 'a b'}": `supported_login_providers."accounts.google.com": is not the id of an app`,
		"supported_login_providers: {accounts.google.com: }":      `supported_login_providers."accounts.google.com": is empty`,
		"supported_login_providers: {api.twitter.com: 'a;b'}":     `supported_login_providers."api.twitter.com": is twitter, whose logins are not taken`,
		"supported_login_providers: {www.digits.com: a}":          `supported_login_providers."www.digits.com": is digits, whose logins are not taken`,
		"supported_login_providers: {www.facebook.com: a}":        `supported_login_providers."www.facebook.com": unknown key; expected one of accounts.google.com`,
		"supported_login_providers: {oidc.test: a}":               `supported_login_providers."oidc.test": is a login provider of kind oidc`,
		"supported_login_providers: {nobody.test: a}":             `supported_login_providers."nobody.test": unknown key`,
		"supported_login_providers: [a]":                          "supported_login_providers: is a list; expected a mapping of names",
		"saml_provider_arns: [office]":                            "saml_provider_arns[0]: is not the ARN of a SAML provider",
		"saml_provider_arns: ['" + samlIssuer + "']":              "saml_provider_arns[0]: names no login provider of kind saml",
	} {
		_, err := load(t, development+allKinds+pool(text))
		if want == "" && err != nil {
			t.Errorf("%s: got %v, want it taken", text, err)
		} else if want != "" && (err == nil || !strings.Contains(err.Error(), "pools[0]."+want)) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if _, err := load(t, upstream+pool("supported_login_providers: {graph.facebook.com: a}, saml_provider_arns: ['"+samlIssuer+"']")); err != nil {
		t.Errorf("in front of upstream: got %v, want providers that upstream knows", err)
	}
	if _, err := load(t, upstream+pool("supported_login_providers: {nobody.test: a}")); err == nil {
		t.Error("in front of upstream: got nonsense taken")
	}
}

// Mappings and tags are the API's, and of providers of the pool.
func TestSettingsOfPools(t *testing.T) {
	const (
		lists = "open_id_connect_provider_arns: ['" + oidcPrefix + "oidc.test'], supported_login_providers: {www.amazon.com: app}, " +
			"cognito_identity_providers: [{provider_name: " + realPool + ", client_id: c}], "
		role = "'arn:aws:iam::000000000000:role/a'"
		deny = "ambiguous_role_resolution: Deny"
		rule = "{claim: 'custom:a', match_type: Equals, value: b, role_arn: " + role + "}"
	)
	mapping := func(key, text string) string { return lists + "role_mappings: {'" + key + "': {" + text + "}}" }
	rules := func(text string) string {
		return mapping("www.amazon.com", "type: Rules, "+deny+", rules_configuration: {rules: ["+text+"]}")
	}
	tags := func(key, text string) string { return lists + "principal_tags: {'" + key + "': {" + text + "}}" }
	at := func(member, key, rest string) string { return member + `."` + key + `"` + rest }
	for text, want := range map[string]string{
		mapping(oidcPrefix+"oidc.test", "type: Token, ambiguous_role_resolution: AuthenticatedRole"): "",
		mapping(realPool+":c", "type: Token, "+deny):                                                 "",
		mapping("issuer-"+realPool+":c", "type: Token, "+deny):                                       "",
		rules(rule): "",
		tags("issuer-"+realPool, "use_defaults: true"):         "",
		tags("www.amazon.com", "principal_tags: {tag: claim}"): "",
		lists + "role_mappings: {}, principal_tags: {}":        "",

		mapping("oidc.test", "type: Token, "+deny):                                at("role_mappings", "oidc.test", ": is no provider of the pool"),
		mapping(realPool, "type: Token, "+deny):                                   at("role_mappings", realPool, ": is no provider of the pool"),
		mapping(realPool+":d", "type: Token, "+deny):                              at("role_mappings", realPool+":d", ": is no provider of the pool"),
		mapping("www.amazon.com", deny):                                           at("role_mappings", "www.amazon.com", ".type: is missing; expected one of Token, Rules"),
		mapping("www.amazon.com", "type: Token"):                                  at("role_mappings", "www.amazon.com", ".ambiguous_role_resolution: is missing; expected one of AuthenticatedRole, Deny"),
		mapping("www.amazon.com", "type: Token, ambiguous_role_resolution: deny"): at("role_mappings", "www.amazon.com", ".ambiguous_role_resolution: has an unknown value; expected one of AuthenticatedRole, Deny"),
		mapping("www.amazon.com", "type: token, "+deny):                           at("role_mappings", "www.amazon.com", ".type: has an unknown value; expected one of Token, Rules"),
		mapping("www.amazon.com", "type: Token, kind: a"):                         at("role_mappings", "www.amazon.com", ".kind: unknown key"),
		mapping("www.amazon.com", "type: Rules, "+deny):                           at("role_mappings", "www.amazon.com", ".rules_configuration.rules: is empty or too long"),
		strings.Replace(rules(rule), "Rules", "Token", 1):                         at("role_mappings", "www.amazon.com", ".rules_configuration.rules: does nothing for type Token"),
		rules(strings.Replace(rule, "custom:a", "a b", 1)):                        at("role_mappings", "www.amazon.com", ".rules_configuration.rules[0].claim: has not the right form"),
		rules(strings.Replace(rule, "Equals", "Is", 1)):                           at("role_mappings", "www.amazon.com", ".rules_configuration.rules[0].match_type: has an unknown value"),
		rules(strings.Replace(rule, "value: b", "value: ''", 1)):                  at("role_mappings", "www.amazon.com", ".rules_configuration.rules[0].value: is missing; expected 1 to 128 characters"),
		rules(strings.Replace(rule, "claim: 'custom:a', ", "", 1)):                at("role_mappings", "www.amazon.com", ".rules_configuration.rules[0].claim: is missing; expected 1 to 64 characters"),
		rules(strings.Replace(rule, "match_type: Equals, ", "", 1)):               at("role_mappings", "www.amazon.com", ".rules_configuration.rules[0].match_type: is missing; expected one of Equals, Contains, StartsWith, NotEqual"),
		rules(strings.Replace(rule, ", role_arn: "+role, "", 1)):                  at("role_mappings", "www.amazon.com", ".rules_configuration.rules[0].role_arn: is missing; expected arn:aws:iam::"),
		rules(strings.Replace(rule, role, "b", 1)):                                at("role_mappings", "www.amazon.com", ".rules_configuration.rules[0].role_arn: is not the ARN of a role"),
		rules(strings.TrimSuffix(strings.Repeat(rule+", ", 26), ", ")):            at("role_mappings", "www.amazon.com", ".rules_configuration.rules: is empty or too long"),
		lists + "role_mappings: {'" + realPool + ":c': {type: Token, " + deny + "}, 'issuer-" + realPool + ":c': {type: Token, " + deny + "}}": "stands there twice, in two spellings",
		tags("oidc.test", "use_defaults: true"):                                           at("principal_tags", "oidc.test", ": is no provider of the pool"),
		tags(realPool+":c", "use_defaults: true"):                                         at("principal_tags", realPool+":c", ": is no provider of the pool"),
		tags("www.amazon.com", "principal_tags: {tag: ''}"):                               at("principal_tags", "www.amazon.com", ".principal_tags.tag: is not a tag"),
		tags("www.amazon.com", "principal_tags: {'': claim}"):                             at("principal_tags", "www.amazon.com", `.principal_tags."": is not a name`),
		tags("www.amazon.com", "use_defaults: 1"):                                         at("principal_tags", "www.amazon.com", ".use_defaults: is not a truth value"),
		lists + "principal_tags: {'" + realPool + "': {}, 'issuer-" + realPool + "': {}}": "stands there twice, in two spellings",
	} {
		_, err := load(t, development+allKinds+pool(text))
		if want == "" && err != nil {
			t.Errorf("%s: got %v, want it taken", text, err)
		} else if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	c := mustLoad(t, development+allKinds+pool(rules(rule)))
	want := map[string]config.RoleMapping{"www.amazon.com": {
		Type: "Rules", AmbiguousRoleResolution: "Deny", RulesConfiguration: config.RulesConfiguration{Rules: []config.MappingRule{
			{Claim: "custom:a", MatchType: "Equals", Value: "b", RoleARN: "arn:aws:iam::000000000000:role/a"},
		}},
	}}
	if diff := cmp.Diff(want, c.Pools[0].RoleMappings); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
	if c.Pools[0].PrincipalTags != nil || mustLoad(t, development+allKinds+pool(lists+"principal_tags: {}")).Pools[0].PrincipalTags == nil {
		t.Error("got no difference between tags that are absent and none")
	}
}

// A pool's app at Facebook is the one that the broker asks as: tokens of another are never proved.
func TestAppOfTheSecret(t *testing.T) {
	const asApp = "login_providers:\n  - {provider: www.amazon.com, kind: amazon}\n" +
		"  - {provider: graph.facebook.com, kind: facebook, app_secret: 0123456789abcdef, client_ids: ['1']}\n"
	mustLoad(t, development+asApp+pool("supported_login_providers: {graph.facebook.com: '1', www.amazon.com: '2'}"))
	_, err := load(t, development+asApp+pool("supported_login_providers: {graph.facebook.com: '12'}"))
	wantError(t, err, `pools[0].supported_login_providers."graph.facebook.com"`,
		"is another app than that of the login provider's app_secret, and so takes no login; expected the one of login_providers[1].client_ids")
	mustLoad(t, development+allKinds+pool("supported_login_providers: {graph.facebook.com: '12'}")) // the user's own token asks
}
