package config

import (
	"net/netip"
	"time"
)

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

// AWSIssuer is the iss of real Cognito's tokens.
const AWSIssuer = "https://cognito-identity.amazonaws.com"

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
	PublicURL string `yaml:"public_url"`
	Log       Log    `yaml:"log"`
	Limits    Limits `yaml:"limits"`
	// Hosts are names that requests may give as Host in development, beside those
	// that are always good; production looks at none. Without port.
	Hosts          []string        `yaml:"hosts"`
	CORS           CORS            `yaml:"cors"`
	Cognito        Cognito         `yaml:"cognito"`
	STS            STS             `yaml:"sts"`
	Development    Development     `yaml:"development"`
	LoginProviders []LoginProvider `yaml:"login_providers"`
	Callers        []Caller        `yaml:"callers"`
	Roles          []Role          `yaml:"roles"`
	// Pools are the engine's; for BackendAWS those served, none meaning any.
	Pools []Pool `yaml:"pools"`
	Cache Cache  `yaml:"cache"`
}

// Log says what is logged.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // console or json
}

// Limits bound one request, what one client may ask for, and what all may take.
type Limits struct {
	BodyBytes int `yaml:"body_bytes"`
	// BodyMemory bounds the bytes that the bodies of all connections may take
	// together: at least BodyBytes.
	BodyMemory     int           `yaml:"body_memory"`
	RequestTimeout time.Duration `yaml:"request_timeout"`
	// Connections bounds the open ones, ConnectionsPerAddress those of one client
	// address: at least 1 each.
	Connections           int `yaml:"connections"`
	ConnectionsPerAddress int `yaml:"connections_per_address"`
	// TrustedProxies are the networks whose X-Forwarded-For names the client:
	// masked, without zones, IPv4 never in its IPv6 form. Whoever calls from one
	// of them may claim any address.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	Guests         Rate           `yaml:"guests"`          // new guest identities per client address and pool
	Exchanges      Rate           `yaml:"exchanges"`       // exchanges per user and per guest
	RefusedChanges Rate           `yaml:"refused_changes"` // per client address, a twentieth of it per identity
	WrongKeys      Rate           `yaml:"wrong_keys"`      // wrong keys and signatures of callers per client address
}

// Rate bounds how often something happens.
type Rate struct {
	PerMinute int `yaml:"per_minute"` // 0 = no limit, Burst then means nothing
	Burst     int `yaml:"burst"`      // at least 1
}

// CORS says whose pages may read answers in a browser. Each list holds origins as
// browsers write them.
type CORS struct {
	// Origins are for the routes and operations for apps; "*" alone is any.
	Origins []string `yaml:"origins"`
	// CallerOrigins are for the routes and operations for callers; never "*".
	CallerOrigins []string `yaml:"caller_origins"`
}

// Cognito configures what answers Cognito's operations.
type Cognito struct {
	Backend   string `yaml:"backend"` // BackendEmbedded or BackendAWS
	Region    string `yaml:"region"`
	AccountID string `yaml:"account_id"` // twelve digits
	// Issuer is the iss of the tokens that this Cognito issues, never empty: the
	// given one, else AWSIssuer for BackendAWS without Endpoint, else PublicURL.
	Issuer string `yaml:"issuer"`
	// SigningRotation is the age at which the engine's signing key is replaced.
	SigningRotation time.Duration `yaml:"signing_rotation"`
	// Store is the engine's database file, or MemoryStore. For BackendAWS nothing
	// opens it: it only says where DevelopmentKeyFile lies.
	Store    string `yaml:"store"`
	Endpoint string `yaml:"endpoint"` // BackendAWS only; empty = AWS's own
	// Limits are the engine's quotas, in requests per second by operation (a name
	// of Operations); an operation without one is not limited. BackendEmbedded
	// only.
	Limits map[string]float64 `yaml:"limits"`
}

// STS configures what turns an identity into credentials.
type STS struct {
	Backend  string `yaml:"backend"`  // BackendBuiltin or BackendAWS
	Endpoint string `yaml:"endpoint"` // BackendAWS only; empty = AWS's own
	// Keys seal the built-in STS's sessions: the first seals, all open. Empty in
	// development only: one is then made and kept in the store. BackendAWS reads
	// none.
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

// Pool is an identity pool: of the engine, or for BackendAWS one of those served.
// Of the latter only ID and MinRemaining count; what else is given has the right
// form and no use.
type Pool struct {
	ID                             string `yaml:"id"`
	Name                           string `yaml:"name"` // may be empty for BackendAWS
	AllowUnauthenticatedIdentities bool   `yaml:"allow_unauthenticated_identities"`
	// AllowClassicFlow is nil where the file is silent: Cognito leaves the member
	// out of its answers then, which is not the same as false.
	AllowClassicFlow          *bool    `yaml:"allow_classic_flow"`
	DeveloperProviderName     string   `yaml:"developer_provider_name"`
	OpenIDConnectProviderARNs []string `yaml:"open_id_connect_provider_arns"`
	// CognitoIdentityProviders are app clients of user pools, each once.
	CognitoIdentityProviders []PoolClient `yaml:"cognito_identity_providers"`
	// SupportedLoginProviders are apps' ids by the key in Logins.
	SupportedLoginProviders map[string]string `yaml:"supported_login_providers"`
	SAMLProviderARNs        []string          `yaml:"saml_provider_arns"`
	Roles                   PoolRoles         `yaml:"roles"`
	// RoleMappings and PrincipalTags are by provider, as SetIdentityPoolRoles and
	// SetPrincipalTagAttributeMap take them. Nil: what the API set stays.
	RoleMappings  map[string]RoleMapping   `yaml:"role_mappings"`
	PrincipalTags map[string]PrincipalTags `yaml:"principal_tags"`
	// MinRemaining is the pool's floor, 0 for none of its own.
	MinRemaining time.Duration `yaml:"min_remaining"`
	// GuestRetention is how long the engine keeps a guest who does not come back; 0
	// for ever.
	GuestRetention time.Duration `yaml:"guest_retention"`
}

// PoolRoles are ARNs of a pool's default roles; either may be empty.
type PoolRoles struct {
	Authenticated   string `yaml:"authenticated"`
	Unauthenticated string `yaml:"unauthenticated"`
}
