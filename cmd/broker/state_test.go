package main

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/settings"
)

// compared are the keys of the configuration that the digest of a broker's settings
// has, by its backend, and idle those that change no answer that is kept, with the
// reason. A key is in one of them, or begins with one that is.
var (
	compared = map[string][]string{
		config.BackendAWS: {
			"cognito.region", "cognito.account_id", "cognito.endpoint", "sts.endpoint",
			"pools.id", "pools.developer_provider_name", "pools.role_mappings", "pools.principal_tags",
		},
		config.BackendEmbedded: {
			"cognito.region", "cognito.account_id", "cognito.issuer", "sts", "roles",
		},
	}
	idle = map[string]map[string]string{
		config.BackendAWS: {
			"cognito.issuer":         "it only says whose tokens are no login; a provider of that issuer is compared by that",
			"cognito.limits":         "the engine's",
			"sts.backend":            "has one value in front of upstream",
			"sts.keys":               "the built-in STS's",
			"roles":                  "the built-in STS's",
			"pools.name":             "a label",
			"pools.allow_":           "upstream knows its pools itself",
			"pools.open_id_connect_": "upstream knows its pools itself",
			"pools.roles":            "upstream knows its pools itself",
			"pools.guest_retention":  "the engine's",
			"pools.cognito_identity": "upstream knows its pools itself",
			"pools.supported_login_": "upstream knows its pools itself",
			"pools.saml_provider_":   "upstream knows its pools itself",
		},
		config.BackendEmbedded: {
			"cognito.endpoint": "of backend aws",
			"cognito.limits":   "delays and refuses requests, whatever is kept",
			"pools":            "applied to the store, whose marks are compared (TestAppliedPoolsAreMarked)",
		},
		"": {
			"mode":                       "decides what is refused at the start",
			"listen":                     "no answer has it",
			"public_url":                 "the engine's issuer and the development provider's are derived from it, and compared",
			"log.":                       "no answer has it",
			"hosts":                      "decides what is answered at all",
			"cors":                       "decides which pages may ask",
			"limits":                     "delays and refuses requests, whatever is kept",
			"development":                "the provider stands among login_providers",
			"callers":                    "who may ask is asked at each request",
			"cache":                      "floors are asked at each request; another Redis or name_key has other entries, and other keys open none",
			"cognito.backend":            "brokers of another backend have other entries, and a record of their own",
			"cognito.store":              "the store's own marks are compared",
			"cognito.signing_rotation":   "tokens are never kept",
			"pools.min_remaining":        "floors are asked at each request",
			"login_providers.app_secret": "a question with another secret of the app has the same answer",
		},
	}
	// comparedProviders are the keys of login providers that both backends compare.
	comparedProviders = []string{
		"provider", "kind", "issuer", "client_ids", "endpoint", "algorithms", "jwks_uri", "jwks_file", "ca_file",
		"limited_login", "admin_get_user", "metadata_file", "decryption_keys_file", "recipients", "audiences",
	}
)

// Each key of the configuration is compared, or named as one that changes no answer.
func TestEachSettingIsComparedOrIdle(t *testing.T) {
	t.Parallel()
	for _, backend := range []string{config.BackendAWS, config.BackendEmbedded} {
		state := func(c *config.Config) settings.State {
			if backend == config.BackendAWS {
				return upstreamState(c, nil)
			}
			return engineState(c, nil, []rules.Pool{{ID: "p"}}, store.Marks{})
		}
		paths := leaves(reflect.TypeFor[config.Config](), "")
		if len(paths) < 60 {
			t.Fatalf("got %d keys of the configuration, want all", len(paths))
		}
		for _, path := range paths {
			of := func(list []string) bool {
				return slices.ContainsFunc(list, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
			}
			var still []string
			for _, table := range []string{backend, ""} {
				for prefix := range idle[table] {
					still = append(still, prefix)
				}
			}
			provider, isProvider := strings.CutPrefix(path, "login_providers.")
			in, out := of(compared[backend]) || isProvider && slices.Contains(comparedProviders, provider), of(still)
			if in == out {
				t.Errorf("%s: %s: named as compared: %v, as idle: %v; want one of them", backend, path, in, out)
			}
			before, _ := settings.Record{}.Meet(state(sample(t, backend, "")))
			if changed := !before.Of(state(sample(t, backend, path))); changed != in {
				t.Errorf("%s: %s: another value changes what is compared: %v, want %v", backend, path, changed, in)
			}
		}
	}
}

// Marks of the store are compared, each for what it is of.
func TestMarksAreCompared(t *testing.T) {
	t.Parallel()
	c := sample(t, config.BackendEmbedded, "")
	pools := []rules.Pool{{ID: "p"}, {ID: "q"}}
	before, _ := settings.Record{}.Meet(engineState(c, nil, pools, store.Marks{}))
	for name, test := range map[string]struct {
		marks store.Marks
		ended []string
	}{
		"none":        {store.Marks{}, nil},
		"the store":   {store.Marks{Store: "1"}, []string{"all"}},
		"logins":      {store.Marks{Logins: map[string]string{"p": "1"}}, []string{"pool/p"}},
		"credentials": {store.Marks{Credentials: map[string]string{"q": "\xff"}}, []string{"grant/q"}},
	} {
		if got := before.Withdrawn(engineState(c, nil, pools, test.marks)); !slices.Equal(got, test.ended) {
			t.Errorf("%s: got %q, want %q", name, got, test.ended)
		}
	}
	if got := fmt.Sprint(before.Withdrawn(engineState(c, nil, pools[:1], store.Marks{}))); got != "[grant/q pool/q]" {
		t.Errorf("a pool less: got %s", got)
	}
}

// The order in which things stand is no change.
func TestOrderIsNoChange(t *testing.T) {
	t.Parallel()
	for _, backend := range []string{config.BackendAWS, config.BackendEmbedded} {
		one, two := sample(t, backend, ""), sample(t, backend, "")
		for _, c := range []*config.Config{one, two} {
			second := c.LoginProviders[0]
			second.Provider = "second"
			c.LoginProviders = append(c.LoginProviders, second)
			c.LoginProviders[0].ClientIDs = []string{"a", "b"}
			c.Roles = append(c.Roles, config.Role{ARN: "second"})
			c.Pools = append(c.Pools, config.Pool{ID: "second"})
		}
		slices.Reverse(two.LoginProviders)
		slices.Reverse(two.LoginProviders[1].ClientIDs)
		slices.Reverse(two.Roles)
		slices.Reverse(two.Pools)
		state := func(c *config.Config) settings.State { return upstreamState(c, nil) }
		if backend == config.BackendEmbedded {
			state = func(c *config.Config) settings.State { return engineState(c, nil, nil, store.Marks{}) }
		}
		if r, _ := (settings.Record{}).Meet(state(one)); !r.Of(state(two)) {
			t.Errorf("%s: another order is another state", backend)
		}
	}
}

// leaves are the keys of a type's values, as paths without indices.
func leaves(of reflect.Type, path string) (paths []string) {
	switch {
	case of.Kind() == reflect.Slice || of.Kind() == reflect.Map ||
		of.Kind() == reflect.Pointer && of.Elem().Kind() != reflect.Struct:
		return leaves(of.Elem(), path)
	case of.Kind() != reflect.Struct || whole[of]:
		return []string{path}
	}
	for _, f := range reflect.VisibleFields(of) {
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		paths = append(paths, leaves(f.Type, strings.TrimPrefix(path+"."+key, "."))...)
	}
	return paths
}

// whole are the structs that stand for one value.
var whole = map[reflect.Type]bool{
	reflect.TypeFor[config.Secret](): true, reflect.TypeFor[config.Key](): true, reflect.TypeFor[netip.Prefix](): true,
	reflect.TypeFor[*regexp.Regexp](): true, reflect.TypeFor[regexp.Regexp](): true,
}

// sample is a configuration with one of everything; what stands at the path differs
// from the others'.
func sample(t *testing.T, backend, path string) *config.Config {
	t.Helper()
	c := new(config.Config)
	fill(t, reflect.ValueOf(c).Elem(), "", path)
	if path != "cognito.backend" {
		c.Cognito.Backend = backend
	}
	c.Cache.Redis.NameKey = c.Cache.Redis.Keys[0] // it keys the digests
	if path == "cache.redis.keys" {
		c.Cache.Redis.NameKey = c.STS.Keys[0]
	}
	c.LoginProviders[0].Issuer += " of a login" // not Cognito's
	if c.STS.Backend != "other" {
		c.STS.Backend = config.BackendBuiltin
	}
	return c
}

func fill(t *testing.T, v reflect.Value, at, path string) {
	t.Helper()
	other := at == path && path != ""
	number := map[bool]int64{false: 1, true: 2}[other]
	switch v.Type() {
	case reflect.TypeFor[config.Secret]():
		v.Set(reflect.ValueOf(config.NewSecret(fmt.Sprint("secret", number))))
		return
	case reflect.TypeFor[config.Key]():
		key, ok := config.ParseKey(strings.Repeat("A", 41) + string(rune('A'+4*number)) + "A=")
		if !ok {
			t.Fatal("no key")
		}
		v.Set(reflect.ValueOf(key))
		return
	case reflect.TypeFor[netip.Prefix](), reflect.TypeFor[*regexp.Regexp]():
		return // of keys that change nothing anyway
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(v.Type()) {
			key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			fill(t, v.FieldByIndex(f.Index), strings.TrimPrefix(at+"."+key, "."), path)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), at, path)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), at, path)
	case reflect.Map:
		one := reflect.New(v.Type().Elem()).Elem()
		fill(t, one, at, path)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("GetId"), one)
	case reflect.String:
		v.SetString(map[bool]string{false: "one", true: "other"}[other])
	case reflect.Bool:
		v.SetBool(other)
	case reflect.Float64:
		v.SetFloat(float64(number))
	case reflect.Int, reflect.Int64:
		v.SetInt(number * int64(time.Second))
	default:
		t.Fatalf("%s: a %s is not filled yet", at, v.Type())
	}
}
