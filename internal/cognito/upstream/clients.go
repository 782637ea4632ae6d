package upstream

import (
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

const defaultMaxRegions = 64

// client is the SDK's client with its retry budget. The budget is the client's,
// not a call's: while upstream fails, calls give up their retries together.
type client struct {
	api     *cognitoidentity.Client
	retryer *retry.Standard
}

// regional are the clients of one region. They do not share a budget, so that a
// rush of guests leaves the administrator his retries.
type regional struct {
	app, signed *client
	used        uint64
}

// clients keeps the clients of the regions used last. It is safe for concurrent
// use.
type clients struct {
	config  Config
	http    aws.HTTPClient
	regions map[string]bool // nil: any

	mu    sync.Mutex
	uses  uint64
	kept  map[string]*regional
	limit int
}

func newClients(c Config) *clients {
	cs := &clients{config: c, limit: c.MaxRegions, kept: map[string]*regional{}}
	if cs.limit == 0 {
		cs.limit = defaultMaxRegions
	}
	if c.HTTPClient == nil {
		c.HTTPClient = NewHTTPClient()
	}
	cs.http = whole{c.HTTPClient}
	if len(c.Pools) > 0 {
		cs.regions = map[string]bool{}
		for _, pool := range c.Pools {
			region, _ := regionOf(pool)
			cs.regions[region] = true
		}
	}
	return cs
}

// reaches reports whether some pool of the region may be served.
func (cs *clients) reaches(region string) bool { return cs.regions == nil || cs.regions[region] }

// signs reports whether signed operations can be made.
func (cs *clients) signs() bool {
	return cs.config.Credentials != nil &&
		!aws.IsCredentialsProvider(cs.config.Credentials, (*aws.AnonymousCredentials)(nil))
}

// of returns the clients of a region, which must be a region's name.
func (cs *clients) of(region string) *regional {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.uses++
	r, ok := cs.kept[region]
	if !ok {
		if len(cs.kept) >= cs.limit {
			delete(cs.kept, cs.stalest())
		}
		region = strings.Clone(region) // of a request, whose bytes may be reused
		r = &regional{app: cs.make(region, aws.AnonymousCredentials{}),
			signed: cs.make(region, guarded{cs.config.Credentials})}
		cs.kept[region] = r
	}
	r.used = cs.uses
	return r
}

// stalest is the region whose clients were used longest ago. The caller holds mu.
func (cs *clients) stalest() string {
	oldest, at := "", cs.uses
	for region, r := range cs.kept {
		if r.used < at {
			oldest, at = region, r.used
		}
	}
	return oldest
}

// make never reads the environment: what upstream is, is the configuration's to
// say.
func (cs *clients) make(region string, credentials aws.CredentialsProvider) *client {
	retryer := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = cs.config.MaxAttempts })
	options := cognitoidentity.Options{
		Region:      region,
		Credentials: credentials,
		HTTPClient:  cs.http,
		Retryer:     retryer,
	}
	if cs.config.Endpoint != "" {
		options.BaseEndpoint = aws.String(cs.config.Endpoint)
	}
	return &client{api: cognitoidentity.New(options), retryer: retryer}
}
