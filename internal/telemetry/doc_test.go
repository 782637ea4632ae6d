package telemetry

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// described lists the names of the broker's own metrics.
func described(m *Metrics) map[string]bool {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		m.registry.Describe(descriptions)
		close(descriptions)
	}()
	names := map[string]bool{}
	for d := range descriptions {
		_, rest, _ := strings.Cut(d.String(), `fqName: "`)
		if name, _, _ := strings.Cut(rest, `"`); strings.HasPrefix(name, "broker_") {
			names[name] = true
		}
	}
	return names
}

func TestEveryMetricIsDocumented(t *testing.T) {
	data, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	// An entry of the list is a name, its labels if it has any, and a colon.
	entry := regexp.MustCompile("^- `broker_[a-z_]+`( \\(|:)")
	metrics, rows := described(NewMetrics()), map[string]bool{}
	for line := range strings.SplitSeq(string(data), "\n") {
		if rest, ok := strings.CutPrefix(line, "- `broker_"); ok && entry.MatchString(line) {
			name, _, _ := strings.Cut(rest, "`")
			rows["broker_"+name] = true
		}
	}
	if len(metrics) < 7 {
		t.Errorf("got %d metrics, want all of the contract's", len(metrics))
	}
	for name := range metrics {
		if !rows[name] {
			t.Errorf("docs/operations.md has no row for %s", name)
		}
	}
	for name := range rows {
		if !metrics[name] {
			t.Errorf("docs/operations.md has a row for %s, which is no metric", name)
		}
	}
}
