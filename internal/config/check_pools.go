package config

import (
	"regexp"
	"time"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/sts/trust"
)

// The patterns are those of the service's API model.
var (
	poolID  = regexp.MustCompile(`^[A-Za-z0-9_-]+:[0-9a-f-]+$`)
	roleARN = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$`)
	oidcARN = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::[0-9]{12}:oidc-provider/[!-~]+$`)
	// minioARN is what MinIO calls the role that it makes of an OpenID provider.
	minioARN = regexp.MustCompile(`^arn:minio:iam:[a-z0-9-]*::role/[A-Za-z0-9][A-Za-z0-9_/.-]*$`)
)

const (
	expectedPoolID  = "<region>:<guid>, such as us-east-1:00000000-0000-4000-8000-000000000001"
	expectedRoleARN = "arn:aws:iam::<account>:role/<name>"
	expectedAnyRole = expectedRoleARN + " or arn:minio:iam:::role/<id>"
	expectedOIDCARN = "arn:aws:iam::<account>:oidc-provider/<provider>"
	maxPoolID       = 55
	maxARN          = 2048
	// maxFloor is the longest life of any session.
	maxFloor = 12 * time.Hour
)

func validPoolID(id string) bool { return len(id) <= maxPoolID && poolID.MatchString(id) }

func (c *Config) checkRoles() error {
	arns := make([]string, 0, len(c.Roles))
	for i, r := range c.Roles {
		path := at("roles", i)
		if !validRole(r.ARN) {
			return refuse(path+".arn", "is not the ARN of a role", expectedRoleARN)
		}
		// IAM's bounds for the setting of the same name.
		if err := lasting(path+".max_session_duration", r.MaxSessionDuration, time.Hour, maxFloor); err != nil {
			return err
		}
		if r.TrustPolicy != "" {
			// The one value that is quoted, in part: nobody finds a typo by its line alone.
			if _, err := trust.Parse(r.TrustPolicy); err != nil {
				return &Error{Path: path + ".trust_policy", Message: err.Error()}
			}
		}
		arns = append(arns, r.ARN)
	}
	if i, ok := repeated(arns); ok {
		return refuse(at("roles", i)+".arn", "stands there twice", "each role once")
	}
	return nil
}

// Bounds of guest_retention: more than any credentials live, and ten years.
const (
	minRetention = 24 * time.Hour
	maxRetention = 10 * 365 * 24 * time.Hour
)

func validRole(arn string) bool { return len(arn) <= maxARN && roleARN.MatchString(arn) }

func (c *Config) checkPools() error {
	engine := c.Cognito.Backend == BackendEmbedded
	elsewhere := c.STS.Backend == BackendAWS && c.STS.Endpoint != "" // an STS that need not be AWS's
	k := &known{
		providers: map[string]*LoginProvider{}, paths: map[string]string{}, engine: engine,
		development: c.Mode == ModeDevelopment,
	}
	for i := range c.LoginProviders {
		name := c.LoginProviders[i].Provider
		k.providers[name], k.paths[name] = &c.LoginProviders[i], at("login_providers", i)
	}
	ids := make([]string, 0, len(c.Pools))
	for i := range c.Pools {
		if err := c.Pools[i].check(at("pools", i), k, elsewhere); err != nil {
			return err
		}
		ids = append(ids, c.Pools[i].ID)
	}
	if i, ok := repeated(ids); ok {
		return refuse(at("pools", i)+".id", "stands there twice", "each pool once")
	}
	return nil
}

// check checks a pool's keys. What only the engine needs may be missing in front
// of upstream, which knows its pools itself; what is given has to make sense. An STS
// elsewhere than at AWS may have roles of its own.
func (p *Pool) check(path string, k *known, elsewhere bool) error {
	return firstOf(
		func() error { return present(path+".id", p.ID != "", expectedPoolID) },
		func() error {
			if !validPoolID(p.ID) {
				return refuse(path+".id", "is not a pool id", expectedPoolID)
			}
			return nil
		},
		func() error {
			if p.Name == "" && !k.engine {
				return nil
			}
			if p.Name == "" {
				return refuse(path+".name", "is missing", expectedPoolName)
			}
			return form(path+".name", consists(p.Name, wordRunes+" \t\n\v\f\r+=,.@-", 1, 128), expectedPoolName)
		},
		func() error { return developer(path+".developer_provider_name", p.DeveloperProviderName, k) },
		func() error { return p.checkProviders(path, k) },
		func() error { return p.checkSettings(path) },
		func() error { return optionalRole(path+".roles.authenticated", p.Roles.Authenticated, elsewhere) },
		func() error { return optionalRole(path+".roles.unauthenticated", p.Roles.Unauthenticated, elsewhere) },
		func() error { return lasting(path+".min_remaining", p.MinRemaining, 0, maxFloor) },
		func() error {
			if p.GuestRetention == 0 {
				return nil
			}
			return lasting(path+".guest_retention", p.GuestRetention, minRetention, maxRetention)
		},
	)
}

const expectedPoolName = "1 to 128 letters, digits, blanks, _ + = , . @ -"

// developer keeps the two kinds of key in Logins apart: a backend must not be
// able to speak for a login provider, nor the other way round.
func developer(path, name string, k *known) error {
	if name == "" {
		return nil
	}
	if _, taken := k.providers[name]; taken || name == passThrough {
		return refuse(path, "is the name of a login provider", "a name of its own")
	}
	return form(path, consists(name, wordRunes+".-", 1, 128), "1 to 128 letters, digits, _ . -")
}

// arnProvider returns the key in Logins of the provider that an ARN names.
func arnProvider(arn string) string {
	key, _ := loginkey.OfARN(arn)
	return key
}

func optionalRole(path, arn string, elsewhere bool) error {
	expected := expectedRoleARN
	if elsewhere {
		expected = expectedAnyRole
	}
	if arn == "" || validRole(arn) || elsewhere && len(arn) <= maxARN && minioARN.MatchString(arn) {
		return nil
	}
	return refuse(path, "is not the ARN of a role", expected)
}
