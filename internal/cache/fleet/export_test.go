package fleet

import "context"

// The bounds of the reader.
const (
	MaxTrips = maxTrips
	MaxBatch = maxBatch
	MaxQueue = maxQueue
)

// Reader is a reader with its own connections.
type Reader struct{ reader }

// NewReader returns a Reader of a server.
func NewReader(s Server) *Reader {
	return &Reader{reader{redis: dial(s), lanes: newReader(client{}).lanes}}
}

// Get reads keys in batches, Direct by themselves.
func (r *Reader) Get(ctx context.Context, keys ...string) ([]string, error) { return r.get(ctx, keys) }

// Direct reads keys as Get does, but for the batches.
func (r *Reader) Direct(ctx context.Context, keys ...string) ([]string, error) {
	return r.direct(ctx, keys)
}

// Waiting is how many reads wait for a trip, and how many trips are under way.
func (r *Reader) Waiting() (reads, trips int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, l := range r.lanes {
		l.mu.Lock()
		reads, trips = reads+len(l.queue), trips+l.trips
		l.mu.Unlock()
	}
	return reads, trips
}

// Close ends the connections.
func (r *Reader) Close() { r.redis.Close() }
