package fence

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// Open reads the epochs of the scopes, and makes those that are missing. Pending ones are
// left out; fenced tells whether one of them became so a moment ago.
func (f *Fences) Open(ctx context.Context, scopes []cache.Scope) (epochs map[cache.Scope]cache.Epoch, fenced bool, err error) {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = f.codec.Names.Epoch(scope)
	}
	values, err := f.opener.Get(ctx, names)
	if err != nil {
		return nil, false, redisconn.Unavailable("open epochs", err)
	}
	epochs = make(map[cache.Scope]cache.Epoch, len(scopes))
	for i, value := range values {
		if epoch, ok := codec.ParseEpoch(value); ok {
			epochs[scopes[i]] = epoch
		}
		fenced = fenced || value == pendingRecently
	}
	return epochs, fenced, nil
}

// recentFence is how long ago a fence began that most probably ends soon: longer than it takes
// to begin while a broker does not answer.
const recentFence = leaseLife + time.Second

// openTogether is open for the names of epochs that one server keeps; a fence that began a
// moment ago lasts longer than recent. Where the server is not confirmed, it fails.
func (f *Fences) openTogether(ctx context.Context, from *redis.Client, names []string, recent time.Duration, r *redisconn.Reply) error {
	calls := make([]redisconn.Call, len(names))
	for i, name := range names {
		fresh := codec.Random()
		calls[i] = redisconn.Call{
			Keys: scopeKeys(codec.RootOfEpoch(name)), Args: []any{fresh[:], EpochLife.Milliseconds(), recent.Milliseconds(), 0},
		}
	}
	results, id, err := f.redis.RunStamped(ctx, from, openEpoch, calls)
	if err != nil {
		return err
	}
	if _, err := f.redis.ConfirmedMaster(ctx, from, id); err != nil {
		return err
	}
	for _, result := range results {
		text, err := result.Text()
		if err != nil {
			return err
		}
		r.Values = append(r.Values, []byte(text))
	}
	return nil
}

// onEach runs a script for the epoch of each scope, on the servers that keep them. It
// tells the least of what the servers are: how long they have been so.
func (f *Fences) onEach(ctx context.Context, by redisconn.ScriptRunner, s redisconn.Script, scopes []cache.Scope, args func(i int) []any) ([]*redis.Cmd, redisconn.ServerState, error) {
	calls := make([]redisconn.Call, len(scopes))
	for i, scope := range scopes {
		calls[i] = redisconn.Call{Keys: scopeKeys(f.codec.Names.Root(scope)), Args: args(i)}
	}
	results, least, err := f.redis.Spread(ctx, by, s, calls)
	if err != nil {
		return nil, redisconn.ServerState{}, redisconn.Unavailable("run a script", err)
	}
	return results, least, nil
}

// Stamp adds to a stamp that was read in this process the epochs that the fleet
// has now. It fails with cache.ErrFleet.
func (f *Fences) Stamp(ctx context.Context, stamp cache.Stamp) (cache.Stamp, error) {
	scopes, _ := stamp.Shared()
	epochs, _, err := f.Open(ctx, scopes)
	return stamp.With(epochs), err
}
