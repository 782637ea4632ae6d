package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

const developmentConfig = "../../configs/development.yaml"

// build makes the broker as this test is made, so that what both compile is
// compiled once.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "broker")
	args := []string{"build", "-o", bin}
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			args = append(args, "-race")
		}
	}
	if out, err := exec.Command("go", append(args, "../../cmd/broker")...).CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return bin
}

// take walks against url and fails the test unless each step is told as ok.
func take(t *testing.T, bin, url string) *walk {
	t.Helper()
	var out bytes.Buffer
	w := &walk{bin: bin, config: developmentConfig, url: url, out: &out}
	ok := w.run(t.Context())
	t.Cleanup(w.stop)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if !ok || len(lines) != len(w.steps()) {
		t.Fatalf("got %d lines of %d steps:\n%s", len(lines), len(w.steps()), out.String())
	}
	for i, s := range w.steps() {
		if !strings.HasPrefix(lines[i], "ok "+s.name+": ") {
			t.Errorf("got %q, want ok %s: …", lines[i], s.name)
		}
	}
	return w
}

// The whole demo, with a broker of its own and then again against that one, as
// against `make run`.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: it starts a broker")
	}
	bin := build(t)
	t.Setenv("BROKER_PUBLIC_URL", "http://127.0.0.1:1")
	first := take(t, bin, "")
	if strings.HasSuffix(first.url, ":1") {
		t.Fatal("the demo found a broker at port 1")
	}
	for _, e := range first.environ {
		if name, value, _ := strings.Cut(e, "="); strings.HasPrefix(name, "BROKER_") {
			t.Setenv(name, value)
		}
	}
	if second := take(t, bin, first.url); second.url != first.url {
		t.Errorf("got a broker of its own at %s, want the running one", second.url)
	}
}

// A step that fails is told, ends the walk and is its result.
func TestAFailingStepEndsTheWalk(t *testing.T) {
	t.Setenv("BROKER_PUBLIC_URL", "http://127.0.0.1:1")
	for url, want := range map[string]string{
		"":                   "FAIL broker: start no-such-broker",
		"http://127.0.0.1:2": "FAIL broker: no broker answers at http://127.0.0.1:2, which BROKER_URL names",
	} {
		var out bytes.Buffer
		w := &walk{bin: "no-such-broker", config: developmentConfig, url: url, out: &out}
		ok := w.run(t.Context())
		w.stop()
		if ok || !strings.HasPrefix(out.String(), want) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("got %v %q, want one line %s…", ok, out.String(), want)
		}
	}
}
