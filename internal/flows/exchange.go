package flows

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// errExpired marks credentials that arrived without life; it is passing.
var errExpired = errors.New("the exchange brought expired credentials")

// answer is what a backend brought.
type answer struct {
	credentials cache.Credentials
	// also is of epochs that were read within the exchange, before the part of it
	// that brought the credentials; nil: none.
	also *cache.Stamp
	// merged are identities that lost a merge in the exchange, where the backend
	// tells.
	merged []cache.Scope
}

// brought is what a flight ends with. A refusal travels inside, with the tokens
// that earned it: askers with others try their own.
type brought struct {
	entry   *cache.Entry
	refusal error
	tokens  cache.Key
}

// exchange brings credentials in a flight that askers of the same key and epoch
// share. It fails with the backend's error, or with the asker's own deadline.
func (s *Service) exchange(ctx context.Context, sub subject) (*cache.Entry, error) {
	work := func(ctx context.Context) (brought, error) {
		entry, err := s.fly(ctx, sub)
		if err != nil && !cognito.Passing(err) {
			return brought{refusal: err, tokens: sub.tokens}, nil
		}
		return brought{entry: entry}, err
	}
	b, _, err := s.flights.Do(ctx, sub.key, sub.stamp(), s.Timeout, work)
	if err == nil && b.refusal != nil && b.tokens != sub.tokens {
		b, err = work(ctx)
	}
	if err == nil {
		err = b.refusal
	}
	return b.entry, err
}

// fly makes one exchange, within a fence if it may link, and stores what it
// brought.
func (s *Service) fly(ctx context.Context, sub subject) (*cache.Entry, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	stamp := sub.stamp
	if sub.links {
		if sub.changes, err = s.concerned(ctx, sub.pool, sub.identity, sub.logins); err != nil {
			return nil, err
		}
		if sub.identity == "" {
			sub.changes = append(sub.changes, sub.scope) // of a login
		}
		fence := s.Epochs.Fence(sub.changes...)
		defer fence.Done()
		// What the change itself brings is the newest there is for its identities,
		// if nothing else moved them meanwhile.
		stamp = func() cache.Stamp { return cache.Join(fence.Done(), sub.poolStamp) }
	}
	issued := s.Now()
	got, err := sub.call(ctx, sub.changes)
	if err == nil && !got.credentials.Expires.After(s.Now()) {
		err = errExpired
	}
	s.observe(sub.flow, err)
	if beyond := without(got.merged, sub.changes); len(beyond) > 0 {
		s.Fence(beyond...) // also where what came after the merge failed
	}
	if err != nil {
		return nil, err
	}
	s.owned(sub.pool, got.credentials.IdentityID, sub.logins)
	entry := &cache.Entry{Credentials: got.credentials, Issued: issued, Jitter: s.Random()}
	key, ok := sub.storedAs(got.credentials.IdentityID)
	if !ok {
		s.Fence(sub.scope) // who was asked for is somebody else now
		return entry, nil
	}
	entry.Stamp = stamp()
	if got.also != nil {
		entry.Stamp = cache.Join(entry.Stamp, *got.also)
	}
	s.Memory.Put(key, entry)
	return entry, nil
}

// storedAs is the key under which an answer for that identity is kept. One for
// another than the call names, which it became or was merged into, is kept where
// the fence around the call covered it; of others no epoch was read before: they
// are handed out and not kept.
func (sub *subject) storedAs(answered string) (cache.Key, bool) {
	if sub.identity == "" || answered == sub.identity {
		return sub.key, true
	}
	if sub.named == nil || !slices.Contains(sub.changes, cache.IdentityScope(answered)) {
		return cache.Key{}, false
	}
	return sub.named(answered), true
}

// credentials asks the backend for an identity's credentials.
func (s *Service) credentials(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput) (answer, error) {
	out, err := s.Next.GetCredentialsForIdentity(ctx, in)
	if err != nil {
		return answer{}, err
	}
	c := out.Credentials
	if c == nil || c.Expiration == nil {
		return answer{}, errExpired
	}
	return answer{merged: scopesOf(cognito.Merged(out.ResultMetadata)), credentials: cache.Credentials{
		IdentityID:   aws.ToString(out.IdentityId),
		AccessKeyID:  aws.ToString(c.AccessKeyId),
		SecretKey:    aws.ToString(c.SecretKey),
		SessionToken: aws.ToString(c.SessionToken),
		Expires:      *c.Expiration,
	}}, nil
}

func (s *Service) observe(flow string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "refused"
		if cognito.Passing(err) {
			outcome = "failed"
		}
	}
	s.Observer.Exchange(flow, outcome)
}

// backOff is a window in which the next try after a passing failure falls.
type backOff struct{ from, to time.Duration }

var (
	// backOffAhead: nobody waits, what is cached has its floor left.
	backOffAhead = backOff{300 * time.Second, 600 * time.Second}
	// backOffWaiting: askers are handed less than their floor meanwhile.
	backOffWaiting = backOff{time.Second, 5 * time.Second}
)

func (b backOff) after(now time.Time, random float64) time.Time {
	return now.Add(b.from + time.Duration(random*float64(b.to-b.from)))
}

// failed notes a failed renewal of entry. A passing failure puts the next try
// off, the longer the less it matters; a lasting one ends renewal, and a refusal of the identity or its login
// ends the entry too. That of a token which expired meanwhile says nothing of
// either: a fresh one may follow.
func (s *Service) failed(entry *cache.Entry, sub subject, err error) {
	if cognito.Passing(err) {
		s.Observer.Renewal("failed")
		now := s.Now()
		entry.PutOff(backOffAhead.after(now, s.Random()))
		entry.Hold(backOffWaiting.after(now, s.Random()))
		return
	}
	s.Observer.Renewal("refused")
	if !sub.expires.IsZero() && !s.Now().Before(sub.expires) {
		return
	}
	entry.EndRenewal()
	switch cognito.Public(err).ErrorCode() {
	case "NotAuthorizedException", "ResourceNotFoundException",
		"ResourceConflictException", "DeveloperUserAlreadyRegisteredException":
		s.Fence(sub.scope)
		s.Memory.Drop(sub.key, entry)
	}
}
