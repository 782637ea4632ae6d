package config

import "github.com/cognito-broker/broker/internal/loginkey"

// LoginProvider is somebody whose word on who a user is we take: what IAM's
// identity providers are to AWS.
type LoginProvider struct {
	// Provider is the key in Logins: for OIDC the issuer without its scheme and
	// without its last slash, for a user pool in its normal form.
	Provider string        `yaml:"provider"`
	Kind     loginkey.Kind `yaml:"kind"`
	// Issuer is an absolute URL, the iss of ID tokens. It is given for OIDC, and the kind's own for
	// kinds that have one for all. Empty: a user pool's two; other kinds have no ID tokens.
	Issuer string `yaml:"issuer"`
	// ClientIDs are those of OIDC. For Google and Apple they are those of pools that name the
	// provider by an ARN, for Facebook the app of AppSecret; they may be empty.
	ClientIDs []string `yaml:"client_ids"`
	// Endpoint is asked in place of the kind's own: for a user pool's keys, Facebook's Graph, Amazon's
	// API; empty: the kind's own.
	Endpoint string `yaml:"endpoint"`
	// Algorithms are those that tokens may be signed by; empty: RS256, RS384, RS512.
	Algorithms []string `yaml:"algorithms"`
	JWKSURI    string   `yaml:"jwks_uri"`  // of the key set, in place of discovery
	JWKSFile   string   `yaml:"jwks_file"` // absolute; with the key set, in place of asking for it
	CAFile     string   `yaml:"ca_file"`   // absolute; certificates of who signs those of the provider's servers
	// AdminGetUser says whether a user pool is asked for its users, with the credentials of AWS that the
	// broker finds, where a pool's entry wants that.
	AdminGetUser bool `yaml:"admin_get_user"`
	// AppSecret is Facebook's, of the one app in ClientIDs; empty: tokens are asked about without it.
	AppSecret Secret `yaml:"app_secret"`
	// LimitedLogin says whether Facebook's ID tokens are taken; nil: they are.
	LimitedLogin *bool `yaml:"limited_login"`
	// Of SAML. MetadataFile is absolute and never empty; DecryptionKeysFile is absolute, or empty where
	// nothing is encrypted; Recipients and Audiences are taken beside AWS's own.
	MetadataFile       string   `yaml:"metadata_file"`
	DecryptionKeysFile string   `yaml:"decryption_keys_file"`
	Recipients         []string `yaml:"recipients"`
	Audiences          []string `yaml:"audiences"`
}

// The scopes of a caller.
const (
	ScopeDeveloper = "developer"
	ScopeAdmin     = "admin"
	ScopeExplain   = "explain"
)

// AnyPool stands among a caller's pools for all of them.
const AnyPool = "*"

// Caller is a backend or an administrator that authenticates itself: by AWS keys,
// by API keys, or by either. Of each kind it has at most two.
type Caller struct {
	Name string `yaml:"name"`
	// AccessKeyID and SecretAccessKey are both given or both empty.
	AccessKeyID     string `yaml:"access_key_id"`
	SecretAccessKey Secret `yaml:"secret_access_key"`
	APIKey          Secret `yaml:"api_key"`
	APIKeySHA256    Secret `yaml:"api_key_sha256"` // of an API key, in hexadecimal
	// More of the same.
	AccessKeys    []AccessKey `yaml:"access_keys"`
	APIKeys       []Secret    `yaml:"api_keys"`
	APIKeysSHA256 []Secret    `yaml:"api_keys_sha256"`
	Scopes        []string    `yaml:"scopes"`
	Pools         []string    `yaml:"pools"` // exact pool ids, or AnyPool
	// PassRoles are the roles that it may give a pool, ARNs with * and ?. Nil: any for
	// a caller of AnyPool, none for others; empty: none.
	PassRoles []string `yaml:"pass_roles"`
}

// AccessKey signs requests.
type AccessKey struct {
	AccessKeyID     string `yaml:"access_key_id"`
	SecretAccessKey Secret `yaml:"secret_access_key"`
}
