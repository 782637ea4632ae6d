package config_test

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cognito-broker/broker/internal/config"
)

// limits is a file with one key below limits.
func limits(text string) string { return "limits: {" + text + "}" }

// rates is a file with the engine's quotas.
func rates(text string) string { return "cognito: {limits: {" + text + "}}" }

func TestTrustedProxies(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"trusted_proxies: ", ""},
		{"trusted_proxies: []", ""},
		{"trusted_proxies: [192.0.2.1]", "192.0.2.1/32"},
		{"trusted_proxies: [10.0.0.0/8, '2001:db8::/32', '::1']", "10.0.0.0/8 2001:db8::/32 ::1/128"},
		{"trusted_proxies: ['2001:DB8:0::1']", "2001:db8::1/128"},
		{"trusted_proxies: ['${PROXY}', '${OTHER:-0.0.0.0/0}']", "10.1.2.3/32 0.0.0.0/0"},
	} {
		c := mustLoad(t, "mode: development\n"+limits(tt.text), "PROXY=10.1.2.3")
		var got []string
		for _, p := range c.Limits.TrustedProxies {
			got = append(got, p.String())
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestRefusedLimits(t *testing.T) {
	const network = "an address or a network, such as 192.0.2.1 or 10.0.0.0/8"
	var many []string
	for i := range 101 {
		many = append(many, "10.0.0."+strconv.Itoa(i))
	}
	for _, tt := range []struct{ text, want string }{
		{limits("trusted_proxies: 10.0.0.1"), "limits.trusted_proxies: is a string; expected a list"},
		{limits("trusted_proxies: [~]"), "limits.trusted_proxies[0]: is empty; expected a value"},
		{limits("trusted_proxies: [10]"), "limits.trusted_proxies[0]: is a number; expected " + network + ", in quotes"},
		{limits("trusted_proxies: [{a: b}]"), "limits.trusted_proxies[0]: is a mapping; expected " + network},
		{limits("trusted_proxies: ['']"),
			"limits.trusted_proxies[0]: is neither an address nor a network; expected " + network},
		{limits("trusted_proxies: [10.0.0.1, proxy.example]"),
			"limits.trusted_proxies[1]: is neither an address nor a network; expected " + network},
		{limits("trusted_proxies: [10.0.0.0/33]"),
			"limits.trusted_proxies[0]: is neither an address nor a network; expected " + network},
		{limits("trusted_proxies: ['10.0.0.1:80']"),
			"limits.trusted_proxies[0]: is neither an address nor a network; expected " + network},
		{limits("trusted_proxies: ['fe80::1%eth0']"),
			"limits.trusted_proxies[0]: is neither an address nor a network; expected " + network},
		{limits("trusted_proxies: ['::ffff:10.0.0.1']"),
			"limits.trusted_proxies[0]: is an IPv4 address in IPv6's form; expected IPv4's own form"},
		{limits("trusted_proxies: ['::ffff:10.0.0.0/104']"),
			"limits.trusted_proxies[0]: is an IPv4 address in IPv6's form; expected IPv4's own form"},
		{limits("trusted_proxies: [10.0.0.1/8]"),
			"limits.trusted_proxies[0]: has bits beyond its prefix; expected the network's first address, or one address " +
				"without a prefix"},
		{limits("trusted_proxies: ['::1', '0:0::1/128']"),
			"limits.trusted_proxies[1]: stands there twice; expected each once"},
		{limits("trusted_proxies: [" + strings.Join(many, ", ") + "]"),
			"limits.trusted_proxies: is too long; expected at most 100 addresses or networks"},
		{limits("body_memory: 1048575"), "limits.body_memory: is out of range; expected 1048576 to 1073741824"},
		{limits("body_bytes: 100, body_memory: 99"), "limits.body_memory: is out of range; expected 100 to 1073741824"},
		{limits("body_memory: 1073741825"), "limits.body_memory: is out of range; expected 1048576 to 1073741824"},
		{limits("connections: 0"), "limits.connections: is out of range; expected 1 to 200000"},
		{limits("connections: 200001"), "limits.connections: is out of range; expected 1 to 200000"},
		{limits("connections_per_address: 0"), "limits.connections_per_address: is out of range; expected 1 to 200000"},
		{limits("connections_per_address: 200001"), "limits.connections_per_address: is out of range; expected 1 to 200000"},
		{limits("guests: 60"), "limits.guests: is a number; expected a mapping of burst, per_minute"},
		{limits("guests: {per_hour: 1}"), "limits.guests.per_hour: unknown key; expected one of burst, per_minute"},
		{limits("guests: {per_minute: -1}"), "limits.guests.per_minute: is out of range; expected 0 to 1000000"},
		{limits("guests: {per_minute: 1000001}"), "limits.guests.per_minute: is out of range; expected 0 to 1000000"},
		{limits("guests: {per_minute: 0.5}"),
			"limits.guests.per_minute: is not a whole number; expected a decimal whole number, without quotes"},
		{limits("refused_changes: {per_minute: -1}"),
			"limits.refused_changes.per_minute: is out of range; expected 0 to 1000000"},
		{limits("refused_changes: {burst: 0}"), "limits.refused_changes.burst: is out of range; expected 1 to 1000000"},
		{limits("wrong_keys: {per_minute: -1}"), "limits.wrong_keys.per_minute: is out of range; expected 0 to 1000000"},
		{limits("wrong_keys: {burst: 0}"), "limits.wrong_keys.burst: is out of range; expected 1 to 1000000"},
		{limits("guests: {burst: 0}"), "limits.guests.burst: is out of range; expected 1 to 1000000"},
		{limits("guests: {burst: 1000001}"), "limits.guests.burst: is out of range; expected 1 to 1000000"},
		{limits("exchanges: {per_second: 1}"), "limits.exchanges.per_second: unknown key; expected one of burst, per_minute"},
		{limits("exchanges: {per_minute: -1}"), "limits.exchanges.per_minute: is out of range; expected 0 to 1000000"},
		{limits("exchanges: {burst: 0}"), "limits.exchanges.burst: is out of range; expected 1 to 1000000"},
		{"cognito: {limits: 25}", "cognito.limits: is a number; expected a mapping of operations, such as {GetId: 25}"},
		{"cognito: {limits: [GetId]}", "cognito.limits: is a list; expected a mapping of operations, such as {GetId: 25}"},
		{rates("GetUser: 5"),
			"cognito.limits.GetUser: unknown key; expected one of " + strings.Join(config.Operations(), ", ")},
		{rates("GetId: "), "cognito.limits.GetId: is empty; expected a number such as 25"},
		{rates("GetId: [25]"), "cognito.limits.GetId: is a list; expected a number such as 25"},
		{rates("GetId: 0"),
			"cognito.limits.GetId: is out of range; expected more than 0, at most 100000 requests per second"},
		{rates("GetId: 100000.1"),
			"cognito.limits.GetId: is out of range; expected more than 0, at most 100000 requests per second"},
	} {
		_, err := load(t, "mode: development\n"+tt.text)
		if got := message(err); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.text[:min(60, len(tt.text))], got, tt.want)
		}
	}
	for _, number := range []string{"-1", "+1", "1e3", ".5", "5.", "010", "00.5", "1_000", "0x10", ".inf", ".nan", "'25'",
		"25/s", "true", strings.Repeat("9", 21)} {
		_, err := load(t, "mode: development\n"+rates("GetId: "+number))
		const want = "cognito.limits.GetId: is not a number; expected a decimal number such as 25 or 0.5, without quotes"
		if got := message(err); got != want {
			t.Errorf("GetId: %s:\n got %s\nwant %s", number, got, want)
		}
	}
}

func TestLimitsFromTheEnvironment(t *testing.T) {
	c := mustLoad(t,
		"mode: development\nlimits: {trusted_proxies: [10.0.0.1], guests: {burst: 7}, exchanges: {per_minute: 30}, "+
			"wrong_keys: {per_minute: 3}}\n"+rates("GetId: 1, GetOpenIdToken: '${RATE}'"),
		"RATE=2.5",
		"BROKER_COGNITO__LIMITS={GetId: 25, ListIdentities: 0.5}",
		"BROKER_LIMITS__TRUSTED_PROXIES=[192.0.2.0/24]",
		"BROKER_LIMITS__GUESTS__PER_MINUTE=0", "BROKER_LIMITS__BODY_MEMORY=1073741824", "BROKER_LIMITS__CONNECTIONS=5")
	want := config.Limits{
		BodyBytes: c.Limits.BodyBytes, BodyMemory: 1 << 30, RequestTimeout: c.Limits.RequestTimeout, Connections: 5,
		ConnectionsPerAddress: 1000,
		TrustedProxies:        []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Guests:                config.Rate{PerMinute: 0, Burst: 7},
		Exchanges:             config.Rate{PerMinute: 30, Burst: 60},
		RefusedChanges:        config.Rate{PerMinute: 60, Burst: 100},
		WrongKeys:             config.Rate{PerMinute: 3, Burst: 100},
	}
	if d := cmp.Diff(want, c.Limits, cmpopts.EquateComparable(netip.Prefix{})); d != "" {
		t.Errorf("limits (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]float64{"GetId": 25, "GetOpenIdToken": 2.5, "ListIdentities": 0.5},
		c.Cognito.Limits); d != "" {
		t.Errorf("cognito.limits (-want +got):\n%s", d)
	}
	for _, tt := range []struct{ variable, path, part string }{
		{"BROKER_COGNITO__LIMITS=", "BROKER_COGNITO__LIMITS", "is empty"},
		{"BROKER_COGNITO__LIMITS=~", "BROKER_COGNITO__LIMITS", "is empty"},
		{"BROKER_COGNITO__LIMITS=25", "cognito.limits", "(set by BROKER_COGNITO__LIMITS) is a number"},
		{"BROKER_COGNITO__LIMITS={getid: 25}", "cognito.limits.getid", "(set by BROKER_COGNITO__LIMITS) unknown key"},
		{"BROKER_COGNITO__LIMITS__GETID=25", "BROKER_COGNITO__LIMITS__GETID", "names no key"},
		{"BROKER_LIMITS__TRUSTED_PROXIES=10.0.0.1", "limits.trusted_proxies",
			"(set by BROKER_LIMITS__TRUSTED_PROXIES) is a string"},
		{"BROKER_LIMITS__TRUSTED_PROXIES__ADDR=x", "BROKER_LIMITS__TRUSTED_PROXIES__ADDR", "names no key"},
	} {
		_, err := load(t, "mode: development", tt.variable)
		t.Run(tt.variable, func(t *testing.T) { wantError(t, err, tt.path, tt.part) })
	}
}

func TestOperations(t *testing.T) {
	got := config.Operations()
	if len(slices.Compact(slices.Clone(got))) != 23 || !slices.IsSorted(got) {
		t.Errorf("Operations: got %d, want 23 different ones, sorted: %q", len(got), got)
	}
	got[0] = "x"
	if config.Operations()[0] == "x" {
		t.Error("Operations gives its own list away, want a copy")
	}
	text := make([]string, 0, len(got))
	for _, name := range config.Operations() {
		text = append(text, name+": 100000")
	}
	if c := mustLoad(t, "mode: development\n"+rates(strings.Join(text, ", "))); len(c.Cognito.Limits) != 23 {
		t.Errorf("cognito.limits: got %d, want each operation's", len(c.Cognito.Limits))
	}
}
