package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the broker's counters. Labels come from fixed sets only. It is
// safe for concurrent use.
type Metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	lookups    *prometheus.CounterVec
	exchanges  *prometheus.CounterVec
	flights    *prometheus.CounterVec
	awaited    prometheus.Histogram
	renewals   renewals
	keyFetches *prometheus.CounterVec
	questions  *prometheus.CounterVec
	unproven   *prometheus.CounterVec
	providers  *prometheus.GaugeVec
	remaining  prometheus.Histogram
	fences     *prometheus.HistogramVec
	subscribed prometheus.Gauge
	missed     prometheus.Counter
	unopened   prometheus.Counter
	redis      *redisMetrics
	fencesNow  *fenceMetrics
	edge       edge
}

// NewMetrics returns metrics in a registry of their own.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counter(
			"broker_requests_total", "Requests answered, by operation and error code (OK when none).", "op", "code",
		),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "broker_request_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"op"}),
		lookups: counter(
			"broker_cache_lookups_total", "Cache lookups by tier (memo, memory, redis) and outcome.", "tier", "outcome",
		),
		exchanges:  counter("broker_exchanges_total", "Trips to the backend for credentials.", "flow", "outcome"),
		keyFetches: counter("broker_key_fetches_total", "Fetches of login providers' keys.", "outcome"),
		questions:  counter("broker_login_questions_total", "Questions to login providers about access tokens.", "outcome"),
		unproven: counter(
			"broker_authentication_failures_total", "Keys and signatures that are no caller's, by kind.", "kind",
		),
		remaining: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "broker_credentials_remaining_seconds", Help: "Life left of credentials when served.",
			Buckets: []float64{60, 300, 600, 900, 1200, 1800, 2400, 3000, 3600, 7200, 14400, 43200},
		}),
	}
	m.flights = counter("broker_flights_total", "Exchanges that clients share, by how this broker took part.", "outcome")
	m.awaited = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "broker_flight_wait_seconds", Help: "How long a flight waited for that of another broker.",
		Buckets: []float64{.025, .05, .1, .25, .5, 1, 2, 4, 8, 16},
	})
	m.fences = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "broker_fence_seconds",
		Help:    "Time until all brokers of the fleet had ended what a change outdates, by outcome (begun, failed).",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 4},
	}, []string{"outcome"})
	m.subscribed = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "broker_redis_subscribed", Help: "Whether announcements of other brokers are heard: 1 or 0."})
	m.missed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "broker_redis_missed_total", Help: "Times that an announcement went unheard, and all in memory was dropped."})
	m.unopened = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "broker_redis_unopened_total",
		Help: "Values in Redis that do not open: none of the keys made them, or they are damaged."})
	m.providers = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "broker_login_provider_up",
		Help: "Whether the last fetch of a login provider's keys brought usable ones: 1 or 0.",
	}, []string{"provider"})
	m.redis, m.fencesNow = newRedisMetrics(), newFenceMetrics()
	m.renewals = newRenewals(m.registry)
	m.edge = newEdge(m.registry)
	m.registry.MustRegister(m.flights, m.awaited, m.fences, m.subscribed, m.missed, m.unopened, m.redis, m.fencesNow)
	m.registry.MustRegister(m.requests, m.seconds, m.lookups, m.exchanges, m.keyFetches, m.questions, m.unproven,
		m.providers, m.remaining,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// Alerts look for the first of these; Prometheus sees no increase in a series that
	// begins with it.
	for _, outcome := range []string{"begun", "failed"} {
		m.fences.WithLabelValues(outcome)
	}
	for _, kind := range []string{"api_key", "access_key", "signature"} {
		m.unproven.WithLabelValues(kind)
	}
	for _, outcome := range []string{"ok", "error"} {
		m.keyFetches.WithLabelValues(outcome)
		m.questions.WithLabelValues(outcome)
	}
	return m
}

// Handler serves the metrics in Prometheus's formats.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Request counts an answered request; code is "" for success.
func (m *Metrics) Request(op, code string, took time.Duration) {
	if code == "" {
		code = "OK"
	}
	m.requests.WithLabelValues(op, code).Inc()
	m.seconds.WithLabelValues(op).Observe(took.Seconds())
}

// Lookup counts a look into a tier of the cache.
func (m *Metrics) Lookup(tier, outcome string) { m.lookups.WithLabelValues(tier, outcome).Inc() }

// Exchange counts a trip to the backend.
func (m *Metrics) Exchange(flow, outcome string) { m.exchanges.WithLabelValues(flow, outcome).Inc() }

// Flight counts how this broker took part in an exchange that clients share.
func (m *Metrics) Flight(outcome string) { m.flights.WithLabelValues(outcome).Inc() }

// FlightWait notes how long a flight waited for another broker's.
func (m *Metrics) FlightWait(waited time.Duration) { m.awaited.Observe(waited.Seconds()) }

// KeyFetch counts a fetch of a login provider's keys, and notes whether it brought
// any. provider is one of the configuration's.
func (m *Metrics) KeyFetch(provider string, ok bool) {
	outcome, up := "error", 0.0
	if ok {
		outcome, up = "ok", 1
	}
	m.keyFetches.WithLabelValues(outcome).Inc()
	m.providers.WithLabelValues(provider).Set(up)
}

// LoginQuestion counts a question to a login provider about an access token, by whether there
// was an answer, whatever it was.
func (m *Metrics) LoginQuestion(answered bool) {
	outcome := "error"
	if answered {
		outcome = "ok"
	}
	m.questions.WithLabelValues(outcome).Inc()
}

// AuthenticationFailure counts a key or signature that is no caller's.
func (m *Metrics) AuthenticationFailure(kind string) { m.unproven.WithLabelValues(kind).Inc() }

// Remaining notes the life left of credentials when they are served.
func (m *Metrics) Remaining(life time.Duration) { m.remaining.Observe(life.Seconds()) }

// Fence notes a fence and how long it took to begin.
func (m *Metrics) Fence(outcome string, took time.Duration) {
	m.fences.WithLabelValues(outcome).Observe(took.Seconds())
}

// Subscription notes whether announcements are heard.
func (m *Metrics) Subscription(open bool) {
	if open {
		m.subscribed.Set(1)
	} else {
		m.subscribed.Set(0)
	}
}

// AnnouncementsMissed counts announcements that went unheard.
func (m *Metrics) AnnouncementsMissed() { m.missed.Inc() }

// OpenFailed counts sealed values in Redis that did not open.
func (m *Metrics) OpenFailed() { m.unopened.Inc() }

// Hot is the metrics of answers to repeated requests for one operation, looked up
// once instead of at each answer.
type Hot struct {
	requests, hits, shared prometheus.Counter
	seconds                prometheus.Observer
	remaining              prometheus.Observer
}

// Hot returns the counters that answers to repeated requests of op touch.
func (m *Metrics) Hot(op string) *Hot {
	return &Hot{
		requests:  m.requests.WithLabelValues(op, "OK"),
		hits:      m.lookups.WithLabelValues("memo", "hit"),
		shared:    m.lookups.WithLabelValues("redis", "hit"),
		seconds:   m.seconds.WithLabelValues(op),
		remaining: m.remaining,
	}
}

// Hit counts one answer from the memo.
func (h *Hot) Hit(took, life time.Duration) { h.answered(h.hits, took, life) }

// HitShared counts one answer with what the fleet keeps.
func (h *Hot) HitShared(took, life time.Duration) { h.answered(h.shared, took, life) }

func (h *Hot) answered(from prometheus.Counter, took, life time.Duration) {
	h.requests.Inc()
	from.Inc()
	h.seconds.Observe(took.Seconds())
	h.remaining.Observe(life.Seconds())
}
