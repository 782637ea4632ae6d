// Package userpool asks Amazon Cognito user pools whether their users are still there: an ID
// token lives on when its user is removed or disabled, and no public operation takes one to
// say so. It asks by AdminGetUser, signed with credentials of AWS, remembers answers for a
// minute at most, and asks once for all who want to know the same.
package userpool

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
)

// Fresh is how old an answer may be that a cached answer rests on, and Issue one that new
// credentials rest on: the questions of one call of a client are one.
const (
	Fresh = time.Minute
	Issue = 5 * time.Second
)

const (
	timeout  = 3 * time.Second // of a question
	rest     = time.Second     // after one that the user pool did not answer, in which no other is begun
	atOnce   = 16              // questions
	maxUsers = 100_000         // that are remembered
	maxName  = 128             // of a user, in characters: the service's own bound
)

// Gone says that the user pool has no such user, or that he is disabled. It holds no name.
type Gone struct{ cause string }

func (g *Gone) Error() string { return g.cause }

// Unavailable says that the user pool could not be asked. It says nothing of the user.
type Unavailable struct{ cause error }

func (u *Unavailable) Error() string { return "ask the user pool: " + u.cause.Error() }

// Unwrap returns the cause.
func (u *Unavailable) Unwrap() error { return u.cause }

// Config holds what a Checker works with. Fields without a remark are required.
type Config struct {
	Region      string // of signatures
	Pool        string // <region>_<…>
	Endpoint    string // base URL of the service's API
	Credentials aws.CredentialsProvider
	Client      *http.Client     // nil: one that bounds a question and follows no redirect
	Now         func() time.Time // nil: the system's clock
}

// Checker asks one user pool. It is safe for concurrent use.
type Checker struct {
	Config
	asked   *otter.Cache[[sha256.Size]byte, answer]
	names   *otter.Cache[string, string] // by sub, of users who were there under them
	flights singleflight.Group
	places  *semaphore.Weighted
	failed  atomic.Pointer[failure] // the latest; nil: none since an answer
}

// failure is a question that the user pool did not answer, or throttled.
type failure struct {
	at    time.Time
	cause *Unavailable
}

// answer is what was said of a user.
type answer struct {
	at   time.Time // when it was asked for
	gone string    // empty: he is there
}

// New returns a Checker; it asks nobody.
func New(c Config) (*Checker, error) {
	if c.Region == "" || c.Pool == "" || c.Endpoint == "" || c.Credentials == nil {
		return nil, errors.New("a user pool needs region, id, endpoint and credentials to be asked")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Client == nil {
		c.Client = &http.Client{
			Timeout:       timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	asked, err := otter.New(&otter.Options[[sha256.Size]byte, answer]{
		MaximumSize:      maxUsers,
		ExpiryCalculator: otter.ExpiryCreating[[sha256.Size]byte, answer](Fresh),
	})
	if err != nil {
		return nil, fmt.Errorf("make the memory of users: %w", err)
	}
	names, err := otter.New(&otter.Options[string, string]{MaximumSize: maxUsers})
	if err != nil {
		return nil, fmt.Errorf("make the memory of names: %w", err)
	}
	return &Checker{Config: c, asked: asked, names: names, places: semaphore.NewWeighted(atOnce)}, nil
}

// Check asks for a user, by cognito:username of his ID token, unless that was done within the
// given time; it tells when it was. subject is the token's sub: a name may be somebody else's by now.
// Where the name is not known it is empty: then the user is asked for by the name under which he was
// lately there, else by his sub, which finds the pool's own users and none that signs in elsewhere.
// A user pool that did not answer, or throttles, is not asked again within a second, whoever is asked for.
// It fails with *Gone, *Unavailable, or ctx's error.
func (c *Checker) Check(ctx context.Context, username, subject string, within time.Duration) (at time.Time, err error) {
	if username == "" {
		username = c.nameOf(subject)
	}
	if n := len([]rune(username)); n == 0 || n > maxName {
		return time.Time{}, &Gone{"the name is none that a user pool has"}
	}
	name := sha256.Sum256([]byte(username + "\x00" + subject))
	if known, ok := c.asked.GetIfPresent(name); ok && c.Now().Sub(known.at) <= within {
		return known.verdict()
	}
	asking := c.flights.DoChan(string(name[:]), func() (any, error) {
		// The question outlives its first asker; others wait for it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		said, err := c.inPlace(ctx, username, subject)
		if err != nil {
			return nil, err
		}
		c.asked.Set(name, said)
		if said.gone == "" {
			c.names.Set(strings.Clone(subject), strings.Clone(username))
		}
		return said, nil
	})
	select {
	case r := <-asking:
		if r.Err != nil {
			return time.Time{}, r.Err
		}
		return r.Val.(answer).verdict()
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

// inPlace asks when a place is free, unless the user pool could not be asked lately. It fails with *Unavailable.
func (c *Checker) inPlace(ctx context.Context, username, subject string) (answer, error) {
	if err := c.resting(); err != nil {
		return answer{}, err
	}
	if err := c.places.Acquire(ctx, 1); err != nil {
		return answer{}, &Unavailable{err}
	}
	defer c.places.Release(1)
	if err := c.resting(); err != nil { // others' questions failed while this one waited
		return answer{}, err
	}
	now := c.Now()
	gone, err := c.ask(ctx, username, subject)
	if err != nil {
		f := &failure{c.Now(), &Unavailable{err}}
		if _, ok := errors.AsType[down](err); ok {
			c.failed.Store(f)
		}
		return answer{}, f.cause
	}
	c.failed.Store(nil)
	return answer{now, gone}, nil
}

// resting fails while no question is begun, as the one did that is why.
func (c *Checker) resting() error {
	if f := c.failed.Load(); f != nil {
		if since := c.Now().Sub(f.at); 0 <= since && since < rest {
			return f.cause
		}
	}
	return nil
}

// nameOf is the name under which a user is asked for whose name is not known.
func (c *Checker) nameOf(subject string) string {
	if name, ok := c.names.GetIfPresent(subject); ok {
		return name
	}
	return subject
}

func (a answer) verdict() (time.Time, error) {
	if a.gone != "" {
		return time.Time{}, &Gone{a.gone}
	}
	return a.at, nil
}
