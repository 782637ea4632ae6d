package config

// PoolClient is an app client of a Cognito user pool whose users a pool takes.
type PoolClient struct {
	ProviderName string `yaml:"provider_name"` // of the user pool, in either of its spellings
	ClientID     string `yaml:"client_id"`
	// ServerSideTokenCheck is nil where the file is silent, as Pool.AllowClassicFlow.
	ServerSideTokenCheck *bool `yaml:"server_side_token_check"`
}

// RoleMapping says how users of a provider get their role.
type RoleMapping struct {
	Type                    string             `yaml:"type"`                      // Token or Rules
	AmbiguousRoleResolution string             `yaml:"ambiguous_role_resolution"` // AuthenticatedRole or Deny
	RulesConfiguration      RulesConfiguration `yaml:"rules_configuration"`       // of type Rules alone
}

// RulesConfiguration holds the rules of a role mapping, at most 25.
type RulesConfiguration struct {
	Rules []MappingRule `yaml:"rules"`
}

// MappingRule gives a role to users whose claim matches.
type MappingRule struct {
	Claim     string `yaml:"claim"`
	MatchType string `yaml:"match_type"` // Equals, Contains, StartsWith or NotEqual
	Value     string `yaml:"value"`
	RoleARN   string `yaml:"role_arn"`
}

// PrincipalTags say which claims of a provider's users become session tags.
type PrincipalTags struct {
	UseDefaults   bool              `yaml:"use_defaults"`
	PrincipalTags map[string]string `yaml:"principal_tags"` // claim by tag
}
