package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// explain reads a store in use, tells granted, denied and error apart, and changes
// nothing.
func TestExplain(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(b.login(t, "alice")[b.provider()]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args   []string
		status int // 0: granted
		part   string
	}{
		"a user":          {[]string{"-pool", demoPool, "-token-file", file}, 0, "granted: " + authRole + "\n"},
		"a guest":         {[]string{"-pool", demoPool}, 0, "granted: " + unauthRole + "\n"},
		"no role":         {[]string{"-pool", bareRoles, "-token-file", file}, exitDenied, "denied: InvalidIdentityPoolConfigurationException: "},
		"no guests":       {[]string{"-pool", closedPool}, exitDenied, "no  identity: no logins were given, and the pool takes no guests\n"},
		"another role":    {[]string{"-pool", demoPool, "-token-file", file, "-role", unauthRole}, exitDenied, "denied: NotAuthorizedException: "},
		"a named key":     {[]string{"-pool", demoPool, "-token-file", file, "-provider", b.provider()}, 0, "granted: " + authRole},
		"another key":     {[]string{"-pool", demoPool, "-token-file", file, "-provider", "graph.facebook.com"}, exitDenied, "no  login graph.facebook.com: the pool does not list this provider"},
		"a key, no token": {[]string{"-pool", demoPool, "-provider", "graph.facebook.com"}, exitError, ""},
		"no pool named":   {nil, exitError, ""},
		"no such file":    {[]string{"-pool", demoPool, "-token-file", file + "x"}, exitError, ""},
		"no token":        {[]string{"-pool", demoPool, "-token-file", b.config}, exitError, ""},
	} {
		out, err := b.command(t, append([]string{"explain", "-config", b.config}, c.args...)...)
		status := 0
		if own, ok := errors.AsType[*exit](err); ok {
			status = own.status
		}
		if status != c.status || !strings.Contains(out, c.part) {
			t.Errorf("%s: got status %d (%v), want %d with %q in\n%s", name, status, err, c.status, c.part, out)
		}
	}
	out, err := b.command(t, "explain", "-config", b.config, "-pool", demoPool, "-token-file", file, "-json")
	var x struct {
		Granted bool
		Steps   []struct{ Check, Detail string }
	}
	if jsonErr := json.Unmarshal([]byte(out), &x); err != nil || jsonErr != nil || !x.Granted || len(x.Steps) < 4 {
		t.Errorf("-json: got %v %v %s", err, jsonErr, out)
	}
	exported, err := b.command(t, "export", "-config", b.config)
	if err != nil || strings.Contains(exported, `"identity"`) {
		t.Errorf("afterwards: got identities in the store (%v), want none made", err)
	}
}
