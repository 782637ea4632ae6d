package telemetry

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// RedisState is how a broker's share in a fleet stands.
type RedisState struct {
	// Lease is how long it may serve from memory; zero: not at all.
	Lease time.Duration
	// ReadBreakersOpen are the servers that are left alone, WriteBreakersOpen those that are
	// asked for no writes.
	ReadBreakersOpen, WriteBreakersOpen int
	// Connections to the servers; how often one was waited for, and in vain.
	Connections, Waits, Timeouts int
	// MastersReplaced is how often a master was replaced, or started again.
	MastersReplaced int
}

// redisMetrics are those of Redis: round trips as they happen, and the state when
// somebody asks.
type redisMetrics struct {
	seconds                                       *prometheus.HistogramVec
	state                                         atomic.Pointer[func() RedisState]
	lease, breakers, connections, waits, timeouts *prometheus.Desc
	replaced                                      *prometheus.Desc
}

func newRedisMetrics() *redisMetrics {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &redisMetrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "broker_redis_seconds", Help: "Time of a round trip to Redis, by its first command.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1},
		}, []string{"command"}),
		lease: describe(
			"broker_redis_lease_seconds", "How long the broker may serve from memory without hearing of Redis; 0: not now.",
		),
		breakers: describe(
			"broker_redis_breakers_open", "Redis servers that are not asked for answers at all, or for writes.", "part",
		),
		connections: describe("broker_redis_connections", "Connections to Redis."),
		waits:       describe("broker_redis_pool_waits_total", "Times that a connection to Redis was waited for."),
		timeouts:    describe("broker_redis_pool_timeouts_total", "Times that a connection to Redis was waited for in vain."),
		replaced: describe(
			"broker_redis_masters_replaced_total", "Times that a Redis master was replaced, or started again.",
		),
	}
}

// WatchRedis has the metrics show the state that is told.
func (m *Metrics) WatchRedis(state func() RedisState) { m.redis.state.Store(&state) }

// Redis notes a round trip to Redis.
func (m *Metrics) Redis(command string, took time.Duration) {
	m.redis.seconds.WithLabelValues(command).Observe(took.Seconds())
}

// Describe implements prometheus.Collector.
func (r *redisMetrics) Describe(to chan<- *prometheus.Desc) {
	r.seconds.Describe(to)
	for _, d := range []*prometheus.Desc{r.lease, r.breakers, r.connections, r.waits, r.timeouts, r.replaced} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (r *redisMetrics) Collect(to chan<- prometheus.Metric) {
	r.seconds.Collect(to)
	state := r.state.Load()
	if state == nil {
		return
	}
	now := (*state)()
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	to <- prometheus.MustNewConstMetric(r.lease, gauge, now.Lease.Seconds())
	to <- prometheus.MustNewConstMetric(r.breakers, gauge, float64(now.ReadBreakersOpen), "answers")
	to <- prometheus.MustNewConstMetric(r.breakers, gauge, float64(now.WriteBreakersOpen), "writes")
	to <- prometheus.MustNewConstMetric(r.connections, gauge, float64(now.Connections))
	to <- prometheus.MustNewConstMetric(r.waits, counter, float64(now.Waits))
	to <- prometheus.MustNewConstMetric(r.timeouts, counter, float64(now.Timeouts))
	to <- prometheus.MustNewConstMetric(r.replaced, counter, float64(now.MastersReplaced))
}
