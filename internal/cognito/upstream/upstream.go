// Package upstream is real Amazon Cognito behind the port: the SDK's clients,
// one pair per region, and the Directory of what their answers told about
// identities.
//
// Upstream's refusals pass through with type, message and request id. Whatever
// is no answer of the service (a broken connection, a proxy's page, half a
// body) is a passing fault, never a refusal. The package caches no credentials
// and shares no call; flows does.
package upstream

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Config holds what a Backend works with.
type Config struct {
	// Region is for operations that name no pool. Required.
	Region string
	// Endpoint is used for all regions; empty means AWS's own of each region.
	Endpoint string
	// Pools are the ids of the pools served; empty means any.
	Pools []string
	// Mapped are the claims that role mappings and tag maps of a pool name, by its id, as far as they are
	// known.
	Mapped map[string][]string
	// Credentials sign the operations that need it, and are cached by whoever
	// provides them (see LoadCredentials). Nil or anonymous: these operations
	// fail with AccessDeniedException.
	Credentials aws.CredentialsProvider
	// HTTPClient makes the requests; nil means one that bounds each phase of an
	// exchange and follows no redirect.
	HTTPClient aws.HTTPClient
	// MaxAttempts bounds the requests of one call; zero means 3.
	MaxAttempts int
	// MaxRegions bounds the regions whose clients are kept; zero means 64.
	MaxRegions int
	// MaxIdentities bounds the Directory; zero means 200,000.
	MaxIdentities int
	// Backoff is the delay after the given attempt, counted from 1; nil means the
	// SDK's. It is for tests.
	Backoff func(attempt int) time.Duration
	// Now dates what the Directory learns; nil means the system's clock.
	Now func() time.Time
}

// Backend asks real Cognito. It is safe for concurrent use.
//
// Every call ends by its context's deadline, or after 30 seconds if there is
// none. Options handed to a method reach the SDK, except that they cannot
// replace the Backend's retries.
type Backend struct {
	region    string
	served    map[string]bool // nil: any pool
	clients   *clients
	directory *Directory
	backoff   func(attempt int) time.Duration
}

var _ cognito.API = (*Backend)(nil)

// New returns a Backend; it asks nobody. It fails on a Region or a pool's id
// that names no region, an Endpoint that is no plain http URL, and on a negative
// limit.
func New(c Config) (*Backend, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	directory, err := newDirectory(c.MaxIdentities, c.Now, c.Mapped)
	if err != nil {
		return nil, err
	}
	b := &Backend{region: c.Region, directory: directory, backoff: c.Backoff, clients: newClients(c)}
	if len(c.Pools) > 0 {
		b.served = make(map[string]bool, len(c.Pools))
		for _, pool := range c.Pools {
			b.served[pool] = true
		}
	}
	return b, nil
}

// Directory returns what b learns of identities.
func (b *Backend) Directory() *Directory { return b.directory }

func (c *Config) check() error {
	if !isRegion(c.Region) {
		return fmt.Errorf("region %q is not the name of an AWS region", c.Region)
	}
	for _, pool := range c.Pools {
		if _, ok := regionOf(pool); !ok {
			return fmt.Errorf("pool %q does not begin with an AWS region", pool)
		}
	}
	if c.MaxAttempts < 0 || c.MaxRegions < 0 || c.MaxIdentities < 0 {
		return errors.New("a limit is negative")
	}
	return checkEndpoint(c.Endpoint)
}

// checkEndpoint refuses, besides what cannot be asked, URLs with a user: they
// would be printed with each failed connection.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("endpoint is not an http or https URL")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("endpoint has a user, a query or a fragment")
	}
	return nil
}
