package telemetry

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v4"
)

const (
	dashboardFile = "../../deploy/grafana/broker.json"
	alertsFile    = "../../deploy/prometheus/alerts.yml"
	unitsFile     = "../../deploy/prometheus/alerts_test.yml"
)

// read parses a file.
func read(t *testing.T, file string, parse func([]byte, any) error, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := parse(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func unmarshalYAML(text []byte, into any) error { return yaml.Unmarshal(text, into) }

// exported are the names of all metrics, the process's and Go's too, with their
// labels.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	m := NewMetrics()
	descriptions := make(chan *prometheus.Desc)
	go func() {
		m.registry.Describe(descriptions)
		close(descriptions)
	}()
	form := regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	labels := map[string][]string{"up": nil}
	for d := range descriptions {
		if found := form.FindStringSubmatch(d.String()); found != nil {
			labels[found[1]] = strings.FieldsFunc(found[2], func(r rune) bool { return r == ',' })
		}
	}
	families, err := m.registry.Gather() // the collectors of Go and the process describe more than they name
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if _, known := labels[f.GetName()]; !known {
			labels[f.GetName()] = nil
		}
	}
	return labels
}

var (
	inQuery   = regexp.MustCompile(`\b((?:broker|go|process)_[a-z0-9_]+|up)\b(?:\{([^}]*)\})?`)
	matched   = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	grouped   = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	histogram = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// check reports the metrics and labels of a query that the broker does not export,
// and returns the metrics.
func check(t *testing.T, where, query string, exported map[string][]string) (metrics []string) {
	t.Helper()
	known := []string{"job", "instance", "le"}
	for _, labels := range exported {
		known = append(known, labels...)
	}
	for _, found := range inQuery.FindAllStringSubmatch(query, -1) {
		name := found[1]
		labels, ok := exported[name]
		if !ok {
			name = histogram.ReplaceAllString(name, "")
			labels, ok = exported[name]
		}
		if !ok {
			t.Errorf("%s: names %s, which is no metric", where, found[1])
		}
		metrics = append(metrics, name)
		for _, label := range matched.FindAllStringSubmatch(found[2], -1) {
			if !slices.Contains([]string{"job", "instance", "le"}, label[1]) && !slices.Contains(labels, label[1]) {
				t.Errorf("%s: asks %s for the label %s, which it lacks", where, name, label[1])
			}
		}
	}
	if len(metrics) == 0 {
		t.Errorf("%s: got the query %q without a metric, want one of the broker's", where, query)
	}
	for _, group := range grouped.FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(group[1], ",") {
			if label = strings.TrimSpace(label); !slices.Contains(known, label) {
				t.Errorf("%s: groups by %s, which no metric has", where, label)
			}
		}
	}
	return metrics
}

// panel is a part of a dashboard.
type panel struct {
	ID         int
	Type       string
	Title      string
	GridPos    struct{ H, W, X, Y int }
	Datasource struct{ UID string }
	Targets    []struct {
		Expr       string
		Datasource struct{ UID string }
	}
}

// overlaps reports whether two panels lie on one another.
func (p *panel) overlaps(o *panel) bool {
	a, b := p.GridPos, o.GridPos
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

// The dashboard shows every metric of the broker, and nothing that there is not, by
// panels that every Grafana has, from the data source that the reader chooses.
func TestDashboard(t *testing.T) {
	var d struct {
		UID, Title    string
		SchemaVersion int
		Panels        []panel
		Templating    struct{ List []struct{ Name, Type string } }
	}
	read(t, dashboardFile, json.Unmarshal, &d)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 39 || len(d.Templating.List) == 0 || d.Templating.List[0].Type != "datasource" {
		t.Errorf("got uid %q, title %q, schema %d and variables %v; want a data source among them first", d.UID, d.Title, d.SchemaVersion, d.Templating.List)
	}
	core := []string{"timeseries", "stat", "heatmap", "gauge", "bargauge", "table"}
	known, shown := exported(t), map[string]bool{}
	for i := range d.Panels {
		p := &d.Panels[i]
		for j := range i {
			if o := &d.Panels[j]; o.ID == p.ID || o.Type != "row" && o.Title == p.Title || p.overlaps(o) {
				t.Errorf("panels %q and %q: got the same id or title, or one place, want each its own", o.Title, p.Title)
			}
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %q: got %d columns from %d, want 24 at most", p.Title, p.GridPos.W, p.GridPos.X)
		}
		if p.Type == "row" {
			continue
		}
		if !slices.Contains(core, p.Type) || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("panel %q: got type %q, data source %q and %d queries; want one of %v and the chosen source", p.Title, p.Type, p.Datasource.UID, len(p.Targets), core)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("panel %q: a query asks %q, want the chosen data source", p.Title, target.Datasource.UID)
			}
			for _, name := range check(t, "panel "+p.Title, target.Expr, known) {
				shown[name] = true
			}
		}
	}
	for name := range described(NewMetrics()) {
		if !shown[name] {
			t.Errorf("deploy/grafana/broker.json: no panel shows %s; add one, or a query to one", name)
		}
	}
}

// rules is a file of alerts.
type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For    string
			Labels, Annotations map[string]string
		}
	}
}

// Alerts ask for what there is, and lead to what docs/operations.md says about them.
func TestAlerts(t *testing.T) {
	var r rules
	read(t, alertsFile, unmarshalYAML, &r)
	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	known, seen := exported(t), map[string]bool{}
	for _, group := range r.Groups {
		for _, rule := range group.Rules {
			check(t, "alert "+rule.Alert, rule.Expr, known)
			if rule.Alert == "" || seen[rule.Alert] {
				t.Errorf("got the alert %q twice, or without a name", rule.Alert)
			}
			seen[rule.Alert] = true
			if s := rule.Labels["severity"]; s != "critical" && s != "warning" {
				t.Errorf("alert %s: got severity %q, want critical or warning", rule.Alert, s)
			}
			if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("alert %s: got no summary or description, want both", rule.Alert)
			}
			file, anchor, _ := strings.Cut(rule.Annotations["runbook"], "#")
			heading := regexp.MustCompile(`(?mi)^##+ ` + strings.ReplaceAll(regexp.QuoteMeta(anchor), "-", "[ -]") + `\??$`)
			if file != "docs/operations.md" || anchor == "" || !heading.Match(manual) {
				t.Errorf("alert %s: got the runbook %q, want a heading of docs/operations.md", rule.Alert, rule.Annotations["runbook"])
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("got %d alerts, want those of docs/operations.md at least", len(seen))
	}
	unitsAreOf(t, seen, known)
}

// unitsAreOf checks that promtool's tests are about alerts that there are. promtool
// itself is not run here.
func unitsAreOf(t *testing.T, alerts map[string]bool, known map[string][]string) {
	t.Helper()
	var units struct {
		RuleFiles []string `yaml:"rule_files"`
		Tests     []struct {
			Name        string
			InputSeries []struct{ Series string }    `yaml:"input_series"`
			Alerts      []struct{ Alertname string } `yaml:"alert_rule_test"`
		}
	}
	read(t, unitsFile, unmarshalYAML, &units)
	if !slices.Equal(units.RuleFiles, []string{"alerts.yml"}) || len(units.Tests) == 0 {
		t.Errorf("got tests of %v, want of alerts.yml", units.RuleFiles)
	}
	for _, test := range units.Tests {
		for _, s := range test.InputSeries {
			check(t, "test "+test.Name, s.Series, known)
		}
		for _, a := range test.Alerts {
			if !alerts[a.Alertname] {
				t.Errorf("test %s: tries the alert %s, which there is not", test.Name, a.Alertname)
			}
		}
	}
}
