package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// In development a store that others may read is told of, by the broker in its log
// and by each command.
func TestExposedStoreIsToldOf(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	out, err := b.command(t, "check", "-config", b.config)
	if err != nil || out != bareWarning+b.config+": ok\n" || strings.Contains(b.logs.String(), "may be read or written by others") {
		t.Fatalf("a store of its owner's: got %q, %v", out, err)
	}
	if err := os.Chmod(b.store, 0o644); err != nil {
		t.Fatal(err)
	}
	want := "cognito.store: warning: " + b.store + " may be read or written by others (mode 0644); expected by its owner and group alone: chmod o-rwx " + b.store + "\n"
	if out, err = b.command(t, "check", "-config", b.config); err != nil || out != want+bareWarning+b.config+": ok\n" {
		t.Errorf("check: got %q, %v", out, err)
	}
	for _, args := range [][]string{{"export"}, {"explain", "-pool", demoPool}, {"token", "-user", "alice"}} {
		if got := b.stderr(t, append(args, "-config", b.config)...); got != want {
			t.Errorf("%s: got %q on standard error", args[0], got)
		}
	}
	if err := os.Chmod(b.config, 0o644); err != nil { // it has secrets, and no key names it
		t.Fatal(err)
	}
	b.restart(t)
	told := map[string]int{}
	for line := range strings.Lines(b.logs.String()) {
		if strings.Contains(line, b.config+" holds secrets") {
			told["the configuration"]++
			if strings.Contains(line, `"key"`) {
				t.Errorf("the configuration: got a key in %s", line)
			}
		}
		var entry struct{ Level, Key, File string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Key == "cognito.store" && entry.File == b.store && entry.Level == "warn" {
			told["the store"]++
		}
	}
	if told["the store"] != 1 || told["the configuration"] != 1 {
		t.Errorf("got warnings %v, want one of each, in %s", told, b.logs)
	}
}

// In production no command works on a store, or by a key, that others may read.
func TestExposedFilesInProduction(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := (&instance{}).command(t, "keys", "new")
	if err != nil {
		t.Fatal(err)
	}
	b := &instance{}
	keys, lines := write("keys", key), write("lines", "")
	file := write("broker.yaml", "public_url: http://127.0.0.1:1\ncognito: {store: broker.db}\nsts: {keys_file: keys}\n")
	if out, err := b.command(t, "import", "-config", file, "-file", lines); err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
	commands := [][]string{{"serve"}, {"check"}, {"check", "-store"}, {"export"}, {"explain", "-pool", demoPool}, {"import", "-file", lines}}
	for path, name := range map[string]string{keys: "sts.keys_file", filepath.Join(folder, "broker.db"): "cognito.store"} {
		if err := os.Chmod(path, 0o604); err != nil {
			t.Fatal(err)
		}
		for _, args := range commands {
			_, err := b.command(t, append(args, "-config", file)...)
			if err == nil || !strings.Contains(oneLine(err), name+": "+path+" may be read or written by others (mode 0604)") {
				t.Errorf("%s, %s: got %v", name, args, err)
			}
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// An administrator's key file that others may read is told of.
func TestExposedAPIKeyFile(t *testing.T) {
	t.Parallel()
	file := keyFile(t, "some-api-key-of-tests")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	_, stderr := rotateWith(t.Context(), "-url", "http://127.0.0.1:1", "-api-key-file", file)
	if !strings.HasPrefix(stderr, "-api-key-file: warning: "+file+" may be read or written by others (mode 0644)") {
		t.Errorf("got %q", stderr)
	}
}
