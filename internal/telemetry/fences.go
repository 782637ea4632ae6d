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

// fenceMetrics show the counts when somebody asks.
type fenceMetrics struct {
	counts      atomic.Pointer[func() FenceCounts]
	open, ended *prometheus.Desc
}

func newFenceMetrics() *fenceMetrics {
	return &fenceMetrics{
		open: prometheus.NewDesc("broker_fences_open", "Changes under way that suspend what is cached.", nil, nil),
		ended: prometheus.NewDesc("broker_fences_ended_total",
			"Changes that suspended what is cached, by how that ended (done, cancelled, left_pending, failed).",
			[]string{"outcome"}, nil),
	}
}

// WatchFences has the metrics show the counts that are told.
func (m *Metrics) WatchFences(counts func() FenceCounts) { m.fencesNow.counts.Store(&counts) }

// Describe implements prometheus.Collector.
func (f *fenceMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- f.open
	to <- f.ended
}

// Collect implements prometheus.Collector.
func (f *fenceMetrics) Collect(to chan<- prometheus.Metric) {
	counts := f.counts.Load()
	if counts == nil {
		return
	}
	now := (*counts)()
	to <- prometheus.MustNewConstMetric(f.open, prometheus.GaugeValue, float64(now.Open))
	for outcome, n := range map[string]uint64{
		"done": now.Done, "cancelled": now.Cancelled, "left_pending": now.LeftPending, "failed": now.Failed,
	} {
		to <- prometheus.MustNewConstMetric(f.ended, prometheus.CounterValue, float64(n), outcome)
	}
}
