package telemetry

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// FenceCounts are the fences of this broker: how many are open, and how many ended in which way.
type FenceCounts struct {
	Open                                 int
	Done, Cancelled, LeftPending, Failed uint64
}

// PendingFences are the scopes that are to end: outdated ones of which the fleet could not be told
// yet, those that end when a call cannot be made any more, and how many found no room so far.
type PendingFences struct {
	Owed, Deferred int
	Dropped        uint64
}

// fenceMetrics show the counts when somebody asks.
type fenceMetrics struct {
	counts                        atomic.Pointer[func() FenceCounts]
	pending                       atomic.Pointer[func() PendingFences]
	open, ended, waiting, dropped *prometheus.Desc
}

func newFenceMetrics() *fenceMetrics {
	return &fenceMetrics{
		open: prometheus.NewDesc("broker_fences_open", "Changes under way that suspend what is cached.", nil, nil),
		ended: prometheus.NewDesc("broker_fences_ended_total",
			"Changes that suspended what is cached, by how that ended (done, cancelled, left_pending, failed).",
			[]string{"outcome"}, nil),
		waiting: prometheus.NewDesc("broker_pending_fences",
			"What is to end: owed to the fleet, which could not be reached, or deferred until a call cannot be made any more.",
			[]string{"kind"}, nil),
		dropped: prometheus.NewDesc("broker_pending_fences_dropped_total",
			"What was owed to the fleet and found no room.", nil, nil),
	}
}

// WatchFences has the metrics show the counts that are told.
func (m *Metrics) WatchFences(counts func() FenceCounts) { m.fencesNow.counts.Store(&counts) }

// WatchPendingFences has the metrics show the scopes that are told.
func (m *Metrics) WatchPendingFences(pending func() PendingFences) {
	m.fencesNow.pending.Store(&pending)
}

// Describe implements prometheus.Collector.
func (f *fenceMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- f.open
	to <- f.ended
	to <- f.waiting
	to <- f.dropped
}

// Collect implements prometheus.Collector.
func (f *fenceMetrics) Collect(to chan<- prometheus.Metric) {
	if counts := f.counts.Load(); counts != nil {
		f.collectCounts(to, (*counts)())
	}
	if pending := f.pending.Load(); pending != nil {
		now := (*pending)()
		to <- prometheus.MustNewConstMetric(f.waiting, prometheus.GaugeValue, float64(now.Owed), "owed")
		to <- prometheus.MustNewConstMetric(f.waiting, prometheus.GaugeValue, float64(now.Deferred), "deferred")
		to <- prometheus.MustNewConstMetric(f.dropped, prometheus.CounterValue, float64(now.Dropped))
	}
}

func (f *fenceMetrics) collectCounts(to chan<- prometheus.Metric, now FenceCounts) {
	to <- prometheus.MustNewConstMetric(f.open, prometheus.GaugeValue, float64(now.Open))
	for outcome, n := range map[string]uint64{
		"done": now.Done, "cancelled": now.Cancelled, "left_pending": now.LeftPending, "failed": now.Failed,
	} {
		to <- prometheus.MustNewConstMetric(f.ended, prometheus.CounterValue, float64(n), outcome)
	}
}
