package config_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/config"
)

const (
	demoPool = "us-east-1:00000000-0000-4000-8000-000000000001"
	demoARN  = "arn:aws:iam::000000000000:oidc-provider/127.0.0.1:9000"
)

// contract has every key of docs/configuration.md, most with the values of its examples.
const contract = `mode: development
listen: 127.0.0.1:8080
public_url: http://127.0.0.1:8080
log: {level: info, format: console}      # console | json
limits:
  body_bytes: 1048576
  request_timeout: 15s
  trusted_proxies: [10.0.0.0/8, "::1"]
  guests: {per_minute: 60, burst: 100}
  wrong_keys: {per_minute: 60, burst: 100}
cognito:
  backend: embedded
  region: us-east-1
  account_id: "000000000000"
  issuer: ""
  signing_rotation: 2160h
  store: ../data/broker.db
  endpoint: ""
  limits: {GetId: 25}
sts:
  backend: builtin
  endpoint: ""
  keys: []
development: {identity_provider: true, client_id: demo-app}
login_providers:
  - provider: 127.0.0.1:9000
    kind: oidc
    issuer: http://127.0.0.1:9000
    client_ids: [web-app]
callers:
  - name: backend
    access_key_id: AKIDEXAMPLEBACKEND
    secret_access_key: ${BACKEND_SECRET}
    api_key: ${BACKEND_API_KEY}
    scopes: [developer, admin]
    pools: ["*"]
roles:
pools:
  - id: us-east-1:00000000-0000-4000-8000-000000000001
    name: demo
    allow_unauthenticated_identities: true
    allow_classic_flow: true
    developer_provider_name: login.example
    open_id_connect_provider_arns: [arn:aws:iam::000000000000:oidc-provider/127.0.0.1:9000]
    roles: {authenticated: arn:aws:iam::000000000000:role/demo-auth, unauthenticated: arn:aws:iam::000000000000:role/demo-unauth}
    min_remaining: 0s
cache:
  memory: {max_entries: 100000}
  min_remaining: 20m
  renew_idle: 20m
  clients:
    - {user_agent: 'aws-amplify/.*framework/10[0-9]', min_remaining: 20m}
    - {user_agent: 'aws-amplify/', min_remaining: 51m}
  redis:
    addresses: []
    sentinel: {master: ""}
    username: ""
    password: ""
    tls: {enabled: false, ca_file: "", cert_file: "", key_file: "", server_name: ""}
    dial_timeout: 500ms
    read_timeout: 300ms
    write_timeout: 300ms
    keys: []
    name_key: ""
`

func contractEnv(more ...string) []string {
	return append([]string{"BACKEND_SECRET=the-secret", "BACKEND_API_KEY=an-api-key-of-24-bytes!!"}, more...)
}

// base64Key returns key number n as `broker keys new` would print it.
func base64Key(n byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune('A'+n)), config.KeyBytes)))
}

func load(t *testing.T, text string, environ ...string) (*config.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "configs", "test.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(file, environ)
}

func mustLoad(t *testing.T, text string, environ ...string) *config.Config {
	t.Helper()
	c, err := load(t, text, environ...)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// message returns the error's text, "" for none.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// wantError checks the type, the path and a part of the message.
func wantError(t *testing.T, err error, path, part string) {
	t.Helper()
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("Load: got error %v, want *config.Error at %s", err, path)
	}
	if e.Path != path || !strings.Contains(e.Message, part) {
		t.Errorf("Load: got %q, want path %q and %q in the message", e.Error(), path, part)
	}
	if e.Error() != e.Path+": "+e.Message || strings.ContainsAny(e.Error(), "\r\n") {
		t.Errorf("Error() = %q, want one line of path and message", e.Error())
	}
	if !strings.Contains(e.Message, "; expected ") {
		t.Errorf("message %q does not say what is expected", e.Message)
	}
}

func TestContractExample(t *testing.T) {
	c := mustLoad(t, contract, contractEnv()...)
	if got := c.Callers[0].SecretAccessKey.Reveal(); got != "the-secret" {
		t.Errorf("secret_access_key: got %q, want the variable's value", got)
	}
	wantProviders := []config.LoginProvider{
		{Provider: "127.0.0.1:9000", Kind: "oidc", Issuer: "http://127.0.0.1:9000", ClientIDs: []string{"web-app"}},
		{Provider: "127.0.0.1:8080/dev/idp", Kind: "oidc", Issuer: "http://127.0.0.1:8080/dev/idp",
			ClientIDs: []string{"demo-app"}},
	}
	if d := cmp.Diff(wantProviders, c.LoginProviders); d != "" {
		t.Errorf("login providers (-want +got):\n%s", d)
	}
	yes := true
	wantPools := []config.Pool{{
		ID: demoPool, Name: "demo", AllowUnauthenticatedIdentities: true, AllowClassicFlow: &yes,
		DeveloperProviderName:     "login.example",
		OpenIDConnectProviderARNs: []string{demoARN, "arn:aws:iam::000000000000:oidc-provider/127.0.0.1:8080/dev/idp"},
		Roles: config.PoolRoles{
			Authenticated:   "arn:aws:iam::000000000000:role/demo-auth",
			Unauthenticated: "arn:aws:iam::000000000000:role/demo-unauth",
		},
	}}
	if d := cmp.Diff(wantPools, c.Pools); d != "" {
		t.Errorf("pools (-want +got):\n%s", d)
	}
	if got := c.Cognito.Issuer; got != "http://127.0.0.1:8080" {
		t.Errorf("issuer: got %q, want public_url", got)
	}
	if got, want := c.Cognito.SigningRotation, 2160*time.Hour; got != want {
		t.Errorf("signing_rotation: got %v, want %v", got, want)
	}
	if len(c.Cache.Clients) != 2 || c.Cache.Clients[1].MinRemaining != 51*time.Minute {
		t.Errorf("clients: got %v", c.Cache.Clients)
	}
}

func TestDefaults(t *testing.T) {
	c := mustLoad(t, "mode: development\n")
	c.Cache.Clients = nil // compared in TestDefaultClients: regexps do not compare
	want := &config.Config{
		Mode: config.ModeDevelopment, Listen: "127.0.0.1:8080", PublicURL: "http://127.0.0.1:8080",
		Log: config.Log{Level: "info", Format: "console"},
		Limits: config.Limits{
			BodyBytes: 1048576, BodyMemory: 268435456, RequestTimeout: 15 * time.Second, Connections: 10000,
			ConnectionsPerAddress: 1000,
			Guests:                config.Rate{PerMinute: 60, Burst: 100}, Exchanges: config.Rate{PerMinute: 60, Burst: 60},
			RefusedChanges: config.Rate{PerMinute: 60, Burst: 100}, WrongKeys: config.Rate{PerMinute: 60, Burst: 100},
		},
		CORS: config.CORS{Origins: []string{"*"}},
		Cognito: config.Cognito{
			Backend: "embedded", Region: "us-east-1", AccountID: "000000000000", Issuer: "http://127.0.0.1:8080",
			SigningRotation: 2160 * time.Hour, Store: c.Cognito.Store,
		},
		STS:         config.STS{Backend: "builtin"},
		Development: config.Development{ClientID: "demo-app"},
		Cache: config.Cache{
			Memory: config.Memory{MaxEntries: 100000}, MinRemaining: 20 * time.Minute, RenewIdle: 20 * time.Minute,
			Redis: config.Redis{
				DialTimeout: 500 * time.Millisecond, ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond,
			},
		},
	}
	if d := cmp.Diff(want, c); d != "" {
		t.Errorf("defaults (-want +got):\n%s", d)
	}
	if got := filepath.Base(c.Cognito.Store); got != "broker.db" || !filepath.IsAbs(c.Cognito.Store) {
		t.Errorf("store: got %q, want broker.db, absolute", c.Cognito.Store)
	}
}

// Where another server may take a master's place, one of its replicas must follow.
func TestDefaultMinReplicas(t *testing.T) {
	keys := "keys: [" + base64Key(0) + "], name_key: " + base64Key(1)
	for redis, want := range map[string]int{
		"addresses: ['a:1']":                                0,
		"addresses: ['a:1', 'b:1']":                         1,
		"addresses: ['a:1'], sentinel: {master: m}":         1,
		"addresses: ['a:1', 'b:1'], min_replicas: 0":        0,
		"addresses: ['a:1'], min_replicas: 2":               2,
		"addresses: ['a:1', 'b:1', 'c:1'], min_replicas: 2": 2,
	} {
		if got := mustLoad(t, "mode: development\ncache: {redis: {"+redis+", "+keys+"}}").Cache.Redis.MinReplicas; got != want {
			t.Errorf("%s: got %d replicas, want %d", redis, got, want)
		}
	}
}

func TestDefaultClients(t *testing.T) {
	c := mustLoad(t, "mode: development\ncache: {clients: }\n")
	floor := func(agent string) time.Duration {
		for _, client := range c.Cache.Clients {
			if client.UserAgent.MatchString(agent) {
				return client.MinRemaining
			}
		}
		return 0
	}
	for agent, want := range map[string]time.Duration{
		"aws-amplify/6.0 framework/1":   51 * time.Minute,
		"aws-amplify/6.0 framework/102": 20 * time.Minute,
		"aws-sdk-go-v2/1.30":            0,
	} {
		if got := floor(agent); got != want {
			t.Errorf("floor of %q: got %v, want %v", agent, got, want)
		}
	}
	if c := mustLoad(t, "mode: development\ncache: {clients: []}\n"); len(c.Cache.Clients) != 0 {
		t.Errorf("clients: []: got %d clients, want none", len(c.Cache.Clients))
	}
}

func TestClassicFlowUnsetIsNotFalse(t *testing.T) {
	for text, want := range map[string]string{"": "unset", ", allow_classic_flow: false": "false",
		", allow_classic_flow: true": "true"} {
		c := mustLoad(t, "mode: development\npools: [{id: '"+demoPool+"', name: p"+text+"}]\n")
		got := "unset"
		if p := c.Pools[0].AllowClassicFlow; p != nil {
			got = map[bool]string{true: "true", false: "false"}[*p]
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestPublicURL(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"listen: 127.0.0.1:9999", "http://127.0.0.1:9999"},
		{"listen: ':8080'", "http://127.0.0.1:8080"},
		{"listen: 0.0.0.0:8080", "http://127.0.0.1:8080"},
		{"listen: '[::]:8080'", "http://127.0.0.1:8080"},
		{"listen: '[::1]:8080'", "http://[::1]:8080"},
		{"listen: 127.0.0.1:0", "http://127.0.0.1:0"},
		{"public_url: https://broker.example/", "https://broker.example"},
		{"public_url: https://broker.example/base/", "https://broker.example/base"},
		{"public_url: 'https://[2001:db8::1]:8443'", "https://[2001:db8::1]:8443"},
	} {
		if got := mustLoad(t, "mode: development\n"+tt.text).PublicURL; got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

// The memory tier can be left out beside Redis.
func TestMemoryOff(t *testing.T) {
	c := mustLoad(t,
		"mode: development\ncache: {memory: {max_entries: 0}, redis: {addresses: ['a:1'], keys: ["+base64Key(0)+"], name_key: "+base64Key(1)+"}}")
	if c.Cache.Memory.MaxEntries != 0 {
		t.Errorf("got %d entries, want none", c.Cache.Memory.MaxEntries)
	}
}

func TestFilesStartAtTheFolder(t *testing.T) {
	folder := t.TempDir()
	text := "mode: development\ncognito: {store: ../data/broker.db}\n" +
		"cache: {redis: {tls: {enabled: true, ca_file: tls/ca.pem, cert_file: /abs/./c.pem, key_file: k.pem}}}\n"
	if err := os.WriteFile(filepath.Join(folder, "b.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(folder) // a relative name of the file itself must not leak into the others
	c, err := config.Load("b.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tls := c.Cache.Redis.TLS
	got := []string{c.Cognito.Store, tls.CAFile, tls.CertFile, tls.KeyFile}
	want := []string{
		filepath.Join(filepath.Dir(here), "data", "broker.db"), filepath.Join(here, "tls", "ca.pem"), "/abs/c.pem",
		filepath.Join(here, "k.pem"),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	if got := mustLoad(t, "mode: development\ncognito: {store: ':memory:'}").Cognito.Store; got != config.MemoryStore {
		t.Errorf("store: got %q, want it kept", got)
	}
}
