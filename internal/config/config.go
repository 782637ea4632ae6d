package config

import "time"

// Mode decides how much is forgiven. Anything but ModeDevelopment, the zero
// value too, is production.
type Mode string

// The modes.
const (
	ModeProduction  Mode = "production"
	ModeDevelopment Mode = "development"
)

// The backends of Cognito and STS.
const (
	BackendEmbedded = "embedded" // Cognito: the engine
	BackendBuiltin  = "builtin"  // STS: the built-in one
	BackendAWS      = "aws"      // the real service, or what stands at the endpoint
)

// MemoryStore is the value of cognito.store that keeps nothing.
const MemoryStore = ":memory:"

// Config is the whole configuration, validated: what its comments promise holds
// for every value that [Load] returns. It is read-only after Load and then safe
// for concurrent use. Names of files are absolute.
type Config struct {
	Mode Mode `yaml:"mode"`
	// Listen is host:port; the host may be empty, the port 0.
	Listen string `yaml:"listen"`
	// PublicURL is where apps reach the broker: absolute, http or https, without
	// trailing slash, query, fragment or user. Never empty.
	PublicURL      string          `yaml:"public_url"`
	Log            Log             `yaml:"log"`
	Limits         Limits          `yaml:"limits"`
	Cognito        Cognito         `yaml:"cognito"`
	STS            STS             `yaml:"sts"`
	Development    Development     `yaml:"development"`
	LoginProviders []LoginProvider `yaml:"login_providers"`
	Callers        []Caller        `yaml:"callers"`
	Roles          []Role          `yaml:"roles"`
	Pools          []Pool          `yaml:"pools"`
	Cache          Cache           `yaml:"cache"`
}

// Log says what is logged.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // console or json
}

// Limits bound one request.
type Limits struct {
	BodyBytes      int           `yaml:"body_bytes"`
	RequestTimeout time.Duration `yaml:"request_timeout"`
}

// Cognito configures what answers Cognito's operations.
type Cognito struct {
	Backend   string `yaml:"backend"` // BackendEmbedded or BackendAWS
	Region    string `yaml:"region"`
	AccountID string `yaml:"account_id"` // twelve digits
	// Issuer is the iss of the engine's tokens; PublicURL where none is given.
	Issuer string `yaml:"issuer"`
	// SigningRotation is the age at which the engine's signing key is replaced.
	SigningRotation time.Duration `yaml:"signing_rotation"`
	// Store is the engine's database file, or MemoryStore.
	Store    string `yaml:"store"`
	Endpoint string `yaml:"endpoint"` // BackendAWS only; empty = AWS's own
}

// STS configures what turns an identity into credentials.
type STS struct {
	Backend  string `yaml:"backend"`  // BackendBuiltin or BackendAWS
	Endpoint string `yaml:"endpoint"` // BackendAWS only; empty = AWS's own
	// Keys seal the built-in STS's sessions: the first seals, all open. Empty in
	// development only: one is then made and kept in the store.
	Keys []Key `yaml:"keys"`
}

// Development holds what never runs in production.
type Development struct {
	// IdentityProvider switches the development identity provider on.
	IdentityProvider bool `yaml:"identity_provider"`
	// ClientID is the audience of the ID tokens that it issues.
	ClientID string `yaml:"client_id"`
}

// Role is what the built-in STS is told of one role.
type Role struct {
	ARN                string        `yaml:"arn"`
	TrustPolicy        string        `yaml:"trust_policy"` // an IAM policy document in JSON
	MaxSessionDuration time.Duration `yaml:"max_session_duration"`
}

// Pool is an identity pool.
type Pool struct {
	ID                             string `yaml:"id"`
	Name                           string `yaml:"name"`
	AllowUnauthenticatedIdentities bool   `yaml:"allow_unauthenticated_identities"`
	// AllowClassicFlow is nil where the file is silent: Cognito leaves the member
	// out of its answers then, which is not the same as false.
	AllowClassicFlow          *bool     `yaml:"allow_classic_flow"`
	DeveloperProviderName     string    `yaml:"developer_provider_name"`
	OpenIDConnectProviderARNs []string  `yaml:"open_id_connect_provider_arns"`
	Roles                     PoolRoles `yaml:"roles"`
	// MinRemaining is the pool's floor, 0 for none of its own.
	MinRemaining time.Duration `yaml:"min_remaining"`
}

// PoolRoles are ARNs of a pool's default roles; either may be empty.
type PoolRoles struct {
	Authenticated   string `yaml:"authenticated"`
	Unauthenticated string `yaml:"unauthenticated"`
}
