package callers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/callers"
)

const (
	poolA = "us-east-1:00000000-0000-4000-8000-00000000000a"
	poolB = "us-east-1:00000000-0000-4000-8000-00000000000b"
)

const account = "000000000000"

func accessKeys(pairs ...string) (keys []callers.AccessKey) {
	for i := 0; i < len(pairs); i += 2 {
		keys = append(keys, callers.AccessKey{ID: pairs[i], Secret: pairs[i+1]})
	}
	return keys
}

func apiKeys(keys ...string) (digests []callers.Digest) {
	for _, key := range keys {
		digests = append(digests, callers.DigestOf(key))
	}
	return digests
}

func backend() callers.Config {
	return callers.Config{
		Name: "backend", AccessKeys: accessKeys("AKIDEXAMPLEBACKEND", "SECRET-of-backend"),
		APIKeys: apiKeys("SECRET-key-of-backend"),
		Scopes:  []callers.Scope{callers.Developer}, Pools: []string{poolA},
	}
}

func other() callers.Config {
	return callers.Config{
		Name: "other", AccessKeys: accessKeys("AKIDEXAMPLEOTHER", "SECRET-of-backend"),
		APIKeys: apiKeys("SECRET-key-of-other"),
		Scopes:  []callers.Scope{callers.Admin, callers.Explain}, Pools: []string{callers.AnyPool},
	}
}

func registry(t testing.TB, configs ...callers.Config) *callers.Registry {
	t.Helper()
	r, err := callers.New(account, configs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNewRefuses(t *testing.T) {
	registry(t, backend(), other()) // a secret access key may be shared: it names nobody
	tests := map[string]func(c *callers.Config){
		"no name":             func(c *callers.Config) { c.Name = "" },
		"long name":           func(c *callers.Config) { c.Name = strings.Repeat("n", 65) },
		"name with a slash":   func(c *callers.Config) { c.Name = "a/b" },
		"name with a line":    func(c *callers.Config) { c.Name = "a\nb" },
		"same name":           func(c *callers.Config) { c.Name = "backend" },
		"name with a brace":   func(c *callers.Config) { c.Name = "a{" },
		"name with a bracket": func(c *callers.Config) { c.Name = "A[" },
		"name with a colon":   func(c *callers.Config) { c.Name = "a:b" },
		"no keys":             func(c *callers.Config) { c.AccessKeys, c.APIKeys = nil, nil },
		"no access key id":    func(c *callers.Config) { c.AccessKeys[0].ID = "" },
		"access key with /":   func(c *callers.Config) { c.AccessKeys[0].ID = "AKID/EXAMPLE" },
		"access key with {":   func(c *callers.Config) { c.AccessKeys[0].ID = "AKID{" },
		"access key with [":   func(c *callers.Config) { c.AccessKeys[0].ID = "AKID[" },
		"access key with :":   func(c *callers.Config) { c.AccessKeys[0].ID = "AKID:" },
		"access key with -":   func(c *callers.Config) { c.AccessKeys[0].ID = "AKID-" },
		"long access key":     func(c *callers.Config) { c.AccessKeys[0].ID = strings.Repeat("A", 129) },
		"same access key":     func(c *callers.Config) { c.AccessKeys[0].ID = "AKIDEXAMPLEBACKEND" },
		"its own access key":  func(c *callers.Config) { c.AccessKeys = append(c.AccessKeys, c.AccessKeys[0]) },
		"three access keys":   func(c *callers.Config) { c.AccessKeys = accessKeys("A", "s", "B", "s", "C", "s") },
		"no secret":           func(c *callers.Config) { c.AccessKeys[0].Secret = "" },
		"empty api key":       func(c *callers.Config) { c.APIKeys = apiKeys("") },
		"no digest":           func(c *callers.Config) { c.APIKeys = make([]callers.Digest, 1) },
		"same api key":        func(c *callers.Config) { c.APIKeys = apiKeys("SECRET-key-of-backend") },
		"its own api key":     func(c *callers.Config) { c.APIKeys = apiKeys("a", "a") },
		"three api keys":      func(c *callers.Config) { c.APIKeys = apiKeys("a", "b", "c") },
		"role of no ARN":      func(c *callers.Config) { c.PassRoles = []string{"role/*"} },
		"ARN of five parts":   func(c *callers.Config) { c.PassRoles = []string{"arn:aws:iam::role/x"} },
		"ARN that is none":    func(c *callers.Config) { c.PassRoles = []string{"urn:aws:iam::000000000000:role/x"} },
		"all but one colon":   func(c *callers.Config) { c.PassRoles = []string{"*:*"} },
		"role that is none":   func(c *callers.Config) { c.PassRoles = []string{"arn:aws:iam::000000000000:user/x"} },
		"ARN without a role":  func(c *callers.Config) { c.PassRoles = []string{"arn:aws:iam::000000000000:"} },
		"long role": func(c *callers.Config) {
			c.PassRoles = []string{"arn:aws:iam::1:role/" + strings.Repeat("r", 1024)}
		},
		"unknown scope":       func(c *callers.Config) { c.Scopes = append(c.Scopes, "root") },
		"empty scope":         func(c *callers.Config) { c.Scopes = []callers.Scope{""} },
		"scope in other case": func(c *callers.Config) { c.Scopes = []callers.Scope{"Admin"} },
		"empty pool":          func(c *callers.Config) { c.Pools = append(c.Pools, "") },
	}
	for name, change := range tests {
		c := other()
		change(&c)
		r, err := callers.New(account, []callers.Config{backend(), c})
		if err == nil || r != nil || !strings.HasPrefix(err.Error(), "caller 1: ") ||
			strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: got %v, want a refusal of caller 1 without secrets", name, err)
		}
	}
}

// The longest of each kind is taken, and every character that may be.
func TestNewTakes(t *testing.T) {
	const beginning = "arn:aws:iam::000000000000:role/"
	for name, change := range map[string]func(c *callers.Config){
		"longest name":       func(c *callers.Config) { c.Name = strings.Repeat("n", 64) },
		"name of all kinds":  func(c *callers.Config) { c.Name = "azAZ09_+=,.@-" },
		"shortest names":     func(c *callers.Config) { c.Name, c.AccessKeys[0].ID = "n", "A" },
		"longest access key": func(c *callers.Config) { c.AccessKeys[0].ID = strings.Repeat("A", 128) },
		"access key":         func(c *callers.Config) { c.AccessKeys[0].ID = "azAZ09_" },
		"longest role": func(c *callers.Config) {
			c.PassRoles = []string{beginning + strings.Repeat("r", 1024-len(beginning))}
		},
		"any role":     func(c *callers.Config) { c.PassRoles = []string{"*"} },
		"any resource": func(c *callers.Config) { c.PassRoles = []string{"arn:aws:iam::000000000000:?ole/x"} },
	} {
		c := other()
		change(&c)
		if _, err := callers.New(account, []callers.Config{backend(), c}); err != nil {
			t.Errorf("%s: got %v, want it taken", name, err)
		}
	}
}

func TestMay(t *testing.T) {
	r := registry(t, backend(), other(), callers.Config{Name: "idle", AccessKeys: accessKeys("AKIDIDLE", "s")})
	find := func(key string) *callers.Caller { c, _, _ := r.ByAccessKey(key); return c }
	one, all := find("AKIDEXAMPLEBACKEND"), find("AKIDEXAMPLEOTHER")
	tests := []struct {
		name   string
		caller *callers.Caller
		scope  callers.Scope
		pool   string
		want   bool
	}{
		{"own pool", one, callers.Developer, poolA, true},
		{"foreign pool", one, callers.Developer, poolB, false},
		{"part of the own pool's id", one, callers.Developer, poolA[:len(poolA)-1], false},
		{"own pool in another case", one, callers.Developer, strings.ToUpper(poolA), false},
		{"no single pool", one, callers.Developer, "", false},
		{"the star itself", one, callers.Developer, callers.AnyPool, false},
		{"scope that was not granted", one, callers.Admin, poolA, false},
		{"no scope", one, "", poolA, false},
		{"any pool", all, callers.Admin, poolB, true},
		{"any pool, no single one", all, callers.Explain, "", true},
		{"any pool, other scope", all, callers.Developer, poolA, false},
		{"nothing granted", find("AKIDIDLE"), callers.Admin, poolA, false},
		{"nothing granted, no single pool", find("AKIDIDLE"), callers.Admin, "", false},
		{"nobody", nil, callers.Admin, poolA, false},
	}
	for _, tt := range tests {
		if got := tt.caller.May(tt.scope, tt.pool); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if !one.Has(callers.Developer) || one.Has(callers.Admin) || one.Has("") || (*callers.Caller)(nil).Has(callers.Admin) {
		t.Error("Has: got another answer than was granted")
	}
}

// A key is found as a whole or not at all, whoever else is there.
func TestByAPIKey(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.StringN(1, 8, 1024), 0, 6, rapid.ID).Draw(rt, "keys")
		configs := make([]callers.Config, len(keys))
		for i, key := range keys {
			configs[i] = callers.Config{Name: fmt.Sprint("n", i), APIKeys: apiKeys(key)}
		}
		r := registry(t, configs...)
		asked := rapid.StringN(0, 9, 1100).Draw(rt, "asked")
		if len(keys) > 0 && rapid.Bool().Draw(rt, "near") {
			key := rapid.SampledFrom(keys).Draw(rt, "key")
			asked = rapid.SampledFrom([]string{key, key + "x", key[:len(key)-1], "x" + key, strings.ToUpper(key)}).Draw(rt,
				"form")
		}
		want := ""
		for i, key := range keys {
			if key == asked {
				want = configs[i].Name
			}
		}
		got, ok := r.ByAPIKey(asked)
		if ok != (want != "") || ok != (got != nil) || ok && got.Name() != want {
			rt.Fatalf("%q: got %v, %v, want %q", asked, got, ok, want)
		}
	})
	var configs []callers.Config
	for i := range 300 {
		configs = append(configs, callers.Config{Name: fmt.Sprint("n", i), APIKeys: apiKeys(fmt.Sprint("k", i))})
	}
	crowd := registry(t, configs...)
	for i := range 3000 { // some of them share the beginning of a digest with a key
		if c, ok := crowd.ByAPIKey(fmt.Sprint("x", i)); ok {
			t.Fatalf("x%d: got %v, want nobody", i, c)
		}
	}
	longest := backend()
	longestKey := strings.Repeat("k", 1024)
	longest.APIKeys = apiKeys(longestKey)
	r := registry(t, longest, other())
	if c, ok := r.ByAPIKey(longestKey); !ok || c.Name() != "backend" {
		t.Error("longest key: got nobody")
	}
	if _, ok := r.ByAPIKey(longestKey + "k"); ok {
		t.Error("longer key: got somebody")
	}
	longer := backend() // by its digest alone its length does not show
	longer.APIKeys = apiKeys(longestKey + "k")
	if _, ok := registry(t, longer).ByAPIKey(longestKey + "k"); ok {
		t.Error("a key beyond the bound that is somebody's: got him, want nobody")
	}
}

func TestLookups(t *testing.T) {
	r := registry(t, backend(), other())
	c, secret, ok := r.ByAccessKey("AKIDEXAMPLEOTHER")
	if !ok || c.Name() != "other" || secret != "SECRET-of-backend" {
		t.Errorf("got %v, %v, want other with its secret", c, ok)
	}
	if got, want := c.ARN(), "arn:aws:iam::000000000000:user/other"; got != want {
		t.Errorf("ARN: got %s, want %s", got, want)
	}
	for _, id := range []string{"", "akidexampleother", "AKIDEXAMPLEOTHER ", "other"} {
		if c, secret, ok := r.ByAccessKey(id); ok || c != nil || secret != "" {
			t.Errorf("%q: got %v, want nobody", id, c)
		}
	}
	var none *callers.Registry
	if _, _, ok := none.ByAccessKey("AKIDEXAMPLEOTHER"); ok {
		t.Error("no registry: got somebody by access key")
	}
	if _, ok := none.ByAPIKey("SECRET-key-of-other"); ok {
		t.Error("no registry: got somebody by API key")
	}
}

func TestConfigIsCopied(t *testing.T) {
	configs := []callers.Config{backend()}
	r := registry(t, configs...)
	configs[0].Scopes[0], configs[0].Pools[0] = callers.Admin, callers.AnyPool
	c, _, _ := r.ByAccessKey("AKIDEXAMPLEBACKEND")
	if c.Has(callers.Admin) || c.May(callers.Developer, "") || !c.May(callers.Developer, poolA) {
		t.Error("got the rights of a configuration that was changed later")
	}
}

func TestContext(t *testing.T) {
	c, _, _ := registry(t, backend()).ByAccessKey("AKIDEXAMPLEBACKEND")
	ctx := callers.With(t.Context(), c)
	if got, ok := callers.From(ctx); !ok || got != c {
		t.Errorf("got %v, %v, want the caller", got, ok)
	}
	for name, ctx := range map[string]context.Context{"none": t.Context(), "hidden": callers.With(ctx, nil)} {
		if got, ok := callers.From(ctx); ok || got != nil {
			t.Errorf("%s: got %v, want nobody", name, got)
		}
	}
}
