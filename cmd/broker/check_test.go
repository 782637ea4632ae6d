package main

import (
	"strings"
	"testing"
)

// check -store reads a store in use; without one it fails.
func TestCheckStore(t *testing.T) {
	b := prepare(t, nil, "")
	if _, err := b.command(t, "check", "-config", b.config, "-store"); err == nil || !strings.Contains(err.Error(), "open store") {
		t.Errorf("before the first start: got %v, want no store", err)
	}
	b.start(t)
	if _, err := b.getID(t.Context(), demoPool, b.login(t, "alice")); err != nil {
		t.Fatal(err)
	}
	out, err := b.command(t, "check", "-config", b.config, "-store")
	if err != nil || out != b.config+": ok\n" {
		t.Errorf("a store in use: got %q %v, want ok", out, err)
	}
}
