package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Identities that are imported answer by their ids; a store in use is exported,
// and not imported into.
func TestImportAndExport(t *testing.T) {
	t.Parallel()
	b := prepare(t, nil, "")
	lines := filepath.Join(t.TempDir(), "lines")
	const id = "us-east-1:0000aaaa"
	pool := `{"pool":{"id":"` + demoPool + `","name":"demo","allowGuests":true,"developerProvider":"login.example","oidcProviderArns":["arn:aws:iam::000000000000:oidc-provider/` + b.provider() + `"],"roles":{}}}`
	text := pool + "\n" + `{"identity":{"id":"` + id + `","pool":"` + demoPool + `","logins":[{"provider":"` + b.provider() + `","subject":"alice"}]}}` + "\n"
	if err := os.WriteFile(lines, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := b.command(t, "import", "-config", b.config, "-file", lines)
	if err != nil || out != "imported 1 pools, 1 identities, 1 logins\n" {
		t.Fatalf("import: got %q %v", out, err)
	}
	b.start(t)
	if got, err := b.getID(t.Context(), demoPool, b.login(t, "alice")); err != nil || got != id {
		t.Errorf("the imported login: got %s %v, want %s", got, err, id)
	}
	if _, err := b.command(t, "import", "-config", b.config, "-file", lines); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("import into a store in use: got %v, want a refusal", err)
	}
	exported := filepath.Join(t.TempDir(), "exported")
	if _, err := b.command(t, "export", "-config", b.config, "-file", exported); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(exported)
	if err != nil || !strings.Contains(string(got), `"id":"`+id+`"`) || strings.Count(string(got), "\n") != 4 { // three pools of the configuration
		t.Errorf("export: got %d lines (%v), want three pools and the identity", strings.Count(string(got), "\n"), err)
	}
	if info, err := os.Stat(exported); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the export's mode: got %v %v, want 0600", info, err)
	}
	if _, err := b.command(t, "export", "-config", b.config, "-file", exported); err == nil {
		t.Error("export over a file: got it overwritten, want a refusal")
	}
}
