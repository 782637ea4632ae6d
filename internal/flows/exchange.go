package flows

import (
	"cmp"
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
	work := func(ctx context.Context) (brought, error) { return s.flight(ctx, sub) }
	b, led, err := s.flights.Do(ctx, sub.key, sub.stamp, s.Timeout, work)
	if !led {
		s.Observer.Flight(joinedOrLeft(err, ctx.Err()))
	}
	if err == nil && b.refusal != nil && b.tokens != sub.tokens {
		b, err = work(ctx)
	}
	if err == nil {
		err = b.refusal
	}
	return b.entry, err
}

// fly makes one exchange, within a fence if it may link, and stores what it
// brought. The caller has a slot.
func (s *Service) fly(ctx context.Context, sub subject) (*cache.Entry, error) {
	if sub.links {
		return s.flyLinking(ctx, sub)
	}
	watch, began := s.Epochs.RecordInvalidations(), time.Now()
	defer watch.Close()
	entry, got, err := s.bring(ctx, sub)
	if err != nil {
		return nil, err
	}
	if sub.unmet {
		scopes := append([]cache.Scope{sub.scope, sub.poolScope()}, sub.loginScopes()...)
		if sub.stamp = s.settled(ctx, watch, began, scopes...); !sub.stamp.Agreed() {
			s.present(ctx, scopes...) // there is such a pool: what the next call brings is kept
		}
	}
	known := s.ownedUnder(ctx, sub.stamp, sub.Pool, got.credentials.IdentityID, sub.logins)
	if sub.Identity != "" && got.credentials.IdentityID != sub.Identity {
		return entry, s.Fence(ctx, sub.scope) // who was asked for is somebody else now
	}
	entry.Stamp = sub.stamp
	if got.also != nil {
		entry.Stamp = cache.JoinStamps(entry.Stamp, *got.also)
	}
	if known {
		s.keep(ctx, sub.key, entry)
	}
	return entry, nil
}

// flyLinking makes an exchange that may link, as alter makes other calls.
func (s *Service) flyLinking(ctx context.Context, sub subject) (*cache.Entry, error) {
	at := sub.stake()
	told, err := s.foresee(ctx, &at, sub.input())
	if err != nil {
		s.observe(sub.Flow, err)
		return nil, err
	}
	if told == refusal || told == unchanging || told == unforeseen && at.often {
		sub.links = false
		entry, err := s.fly(ctx, sub)
		return entry, s.endUnfenced(ctx, at, told, err)
	}
	fence, scopes, err := s.around(ctx, at)
	if err != nil && told == unforeseen && s.unlinking(ctx, at, err) {
		sub.links = false
		return s.fly(ctx, sub)
	}
	if err != nil {
		return nil, err
	}
	sub.changes = scopes
	return s.flyFenced(ctx, sub, fence)
}

// flyFenced makes an exchange within a fence that has begun. What the change itself brings
// is the newest there is for its identities, if nothing else moved them meanwhile. It is
// attempted once: others wait for the fence.
func (s *Service) flyFenced(ctx context.Context, sub subject, fence *cache.Fence) (*cache.Entry, error) {
	entry, got, err := s.bring(cognito.WithoutRetries(ctx), sub)
	if err != nil {
		return nil, cmp.Or(err, s.endFence(fence, err))
	}
	s.owned(ctx, sub.Pool, got.credentials.IdentityID, sub.logins)
	stamp, err := fence.Done()
	if err != nil {
		return nil, unfenced(err)
	}
	key, home, ok := s.storedAs(sub, got.credentials.IdentityID)
	if !ok {
		return entry, s.Fence(ctx, sub.scope) // who was asked for is somebody else now
	}
	entry.Stamp = cache.JoinStamps(stamp.Only(home), sub.stamp.Only(sub.poolScope()))
	for _, login := range sub.loginScopes() {
		entry.Stamp = cache.JoinStamps(entry.Stamp, stamp.Only(login))
	}
	if identity := cache.IdentityScope(got.credentials.IdentityID); got.also != nil {
		entry.Stamp = cache.JoinStamps(entry.Stamp, *got.also)
	} else if identity != home {
		entry.Stamp = cache.JoinStamps(entry.Stamp, stamp.Only(identity))
	}
	if home != sub.scope { // the asker's next call names again whom this one named
		entry.Stamp = cache.JoinStamps(entry.Stamp, stamp.Only(sub.scope))
	}
	s.keep(ctx, key, entry)
	return entry, nil
}

// bring asks the backend, and ends what it says that it ended besides.
func (s *Service) bring(ctx context.Context, sub subject) (*cache.Entry, answer, error) {
	issued := s.Now()
	got, err := s.make(ctx, sub.request, sub.changes)
	if err == nil && !got.credentials.Expires.After(s.Now()) {
		err = errExpired
	}
	s.observe(sub.Flow, err)
	s.disowned(ctx, sub.stake(), err)
	if beyond := without(got.merged, sub.changes); len(beyond) > 0 {
		err = cmp.Or(err, s.Fence(ctx, beyond...)) // also where what came after the merge failed
	}
	if err != nil {
		return nil, got, err
	}
	return &cache.Entry{Credentials: got.credentials, Issued: issued, Jitter: s.Random()}, got, nil
}

// keep stores an entry, here and for the fleet.
func (s *Service) keep(ctx context.Context, key cache.Key, entry *cache.Entry) {
	s.Memory.Put(key, entry)
	if s.Shared != nil && s.Shared.Store(ctx, key, entry) != nil {
		s.Observer.Lookup("redis", "unkept")
	}
}

// storedAs is the key under which an answer for that identity is kept, and the
// scope that it is stored with. One for another than the call names, which it
// became or was merged into, is kept where the fence around the call covered it; of
// others no epoch was read before: they are handed out and not kept.
func (s *Service) storedAs(sub subject, answered string) (key cache.Key, home cache.Scope, ok bool) {
	if sub.Identity == "" || answered == sub.Identity {
		return sub.key, sub.scope, true
	}
	home = cache.IdentityScope(answered)
	if sub.Flow == flowDeveloper || !slices.Contains(sub.changes, home) {
		return cache.Key{}, "", false
	}
	sub.Identity = answered
	return s.name(sub.evidence, sub.request), home, true
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
// off, the longer the less it matters; a lasting one ends the entry. That of a token
// which expired meanwhile says nothing of it: a fresh one may follow.
func (s *Service) failed(ctx context.Context, entry *cache.Entry, sub subject, err error) {
	if cognito.Passing(err) {
		s.Observer.Renewal("failed")
		now := s.Now()
		entry.PostponeRenewal(backOffAhead.after(now, s.Random()))
		entry.BlockExchanges(backOffWaiting.after(now, s.Random()))
		return
	}
	s.Observer.Renewal("refused")
	if !sub.expires.IsZero() && !s.Now().Before(sub.expires) {
		return
	}
	// Whatever the backend refuses for good, it would not have brought: a role that was
	// withdrawn is not served any longer than an identity that is gone.
	entry.EndRenewal()
	_ = s.Fence(ctx, sub.scope) // what fails goes on in the background
	s.Memory.Drop(sub.key, entry)
}
