package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// renewals are what is seen of renewals ahead.
type renewals struct {
	outcomes  *prometheus.CounterVec
	claimed   prometheus.Counter
	scheduled prometheus.Gauge
	overdue   prometheus.Gauge
}

func newRenewals(registry *prometheus.Registry) renewals {
	r := renewals{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "broker_renewals_total", Help: "Renewals of cached credentials.",
		}, []string{"outcome"}),
		claimed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "broker_renewal_claims_total", Help: "Renewals of the fleet's schedule that this broker claimed."}),
		scheduled: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "broker_renewals_scheduled", Help: "Entries in the fleet's schedule of renewals."}),
		overdue: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "broker_renewals_overdue_seconds", Help: "How long the first renewal of the fleet's schedule had been up."}),
	}
	registry.MustRegister(r.outcomes, r.claimed, r.scheduled, r.overdue)
	return r
}

// Renewal counts a renewal.
func (m *Metrics) Renewal(outcome string) { m.renewals.outcomes.WithLabelValues(outcome).Inc() }

// Queue notes how many renewals this broker claimed, how many are scheduled, and how
// long the first had been up.
func (m *Metrics) Queue(claimed, scheduled int, overdue time.Duration) {
	m.renewals.claimed.Add(float64(claimed))
	m.renewals.scheduled.Set(float64(scheduled))
	m.renewals.overdue.Set(overdue.Seconds())
}
