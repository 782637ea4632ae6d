package telemetry

import "github.com/prometheus/client_golang/prometheus"

// edge is what is seen of connections and of the bodies that come by them.
type edge struct {
	open    prometheus.Gauge
	refused *prometheus.CounterVec
	bodies  prometheus.Gauge
}

func newEdge(registry *prometheus.Registry) edge {
	e := edge{
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "broker_connections", Help: "Open connections of clients."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "broker_connections_refused_total",
			Help: "Connections closed at once, by the limit that they were over (all, address, files).",
		}, []string{"limit"}),
		bodies: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "broker_body_memory_bytes",
			Help: "Memory that bodies of requests under way take, and their decoding may take.",
		}),
	}
	registry.MustRegister(e.open, e.refused, e.bodies)
	for _, limit := range []string{"all", "address", "files"} {
		e.refused.WithLabelValues(limit)
	}
	return e
}

// Connections notes that by many more connections are open; fewer, if negative.
func (m *Metrics) Connections(more int) { m.edge.open.Add(float64(more)) }

// ConnectionRefused counts a connection that was over a limit: all, address or files.
func (m *Metrics) ConnectionRefused(limit string) { m.edge.refused.WithLabelValues(limit).Inc() }

// BodyMemory notes that bodies and their decoding take by so many bytes more; fewer, if negative.
func (m *Metrics) BodyMemory(more int) { m.edge.bodies.Add(float64(more)) }
