package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

// Parts of a file that are good; the tables change one thing in them.
const (
	goodProvider = "provider: idp.test, issuer: 'https://idp.test', client_ids: [a]"
	goodCaller   = "name: b, access_key_id: AKIDEXAMPLEBACKEND, secret_access_key: s, api_key: 0123456789abcdef, " +
		"scopes: [admin], pools: ['*']"
	goodPool = "id: 'us-east-1:0-1', name: p"
)

func provider(text string) string { return "login_providers: [{" + text + "}]" }
func caller(old, with string) string {
	return "callers: [{" + strings.Replace(goodCaller, old, with, 1) + "}]"
}
func pool(more string) string { return "pools: [{" + goodPool + ", " + more + "}]" }

func TestRefusedTypes(t *testing.T) {
	for _, tt := range []struct{ text, path, part string }{
		{"listen: [a]", "listen", "is a list"},
		{"listen: 8080", "listen", "is a number"},
		{"listen: true", "listen", "is a truth value"},
		{"listen: ", "listen", "is empty"},
		{"listen: ~", "listen", "is empty"},
		{"log: info", "log", "is a string"},
		{"log: []", "log", "is a list"},
		{"pools: {}", "pools", "is a mapping"},
		{"pools: [a]", "pools[0]", "is a string"},
		{"pools: [~]", "pools[0]", "is empty"},
		{"sts: {keys: abc}", "sts.keys", "is a string"},
		{"limits: {body_bytes: '1'}", "limits.body_bytes", "whole number"},
		{"limits: {body_bytes: 1.5}", "limits.body_bytes", "whole number"},
		{"limits: {body_bytes: 1e3}", "limits.body_bytes", "whole number"},
		{"limits: {body_bytes: 010}", "limits.body_bytes", "whole number"},
		{"limits: {body_bytes: 0x10}", "limits.body_bytes", "whole number"},
		{"limits: {body_bytes: 99999999999999999999}", "limits.body_bytes", "whole number"},
		{"limits: {body_bytes: []}", "limits.body_bytes", "is a list"},
		{"limits: {request_timeout: 15}", "limits.request_timeout", "is not a duration"},
		{"limits: {request_timeout: 15 s}", "limits.request_timeout", "is not a duration"},
		{"limits: {request_timeout: 1d}", "limits.request_timeout", "is not a duration"},
		{"limits: {request_timeout: -1s}", "limits.request_timeout", "is negative"},
		{"development: {identity_provider: 'true'}", "development.identity_provider", "truth value"},
		{"development: {identity_provider: yes}", "development.identity_provider", "truth value"},
		{"development: {identity_provider: 1}", "development.identity_provider", "truth value"},
		{"cognito: {account_id: 000000000000}", "cognito.account_id", "is a number"},
		{pool("allow_classic_flow: maybe"), "pools[0].allow_classic_flow", "truth value"},
		{pool("allow_classic_flow: "), "pools[0].allow_classic_flow", "is empty"},
		{"callers: [{name: {}}]", "callers[0].name", "is a mapping"},
		{"cache: {clients: [{user_agent: '('}]}", "cache.clients[0].user_agent", "does not compile"},
		{"cache: {clients: [{user_agent: ''}]}", "cache.clients[0].user_agent", "is empty"},
		{"cache: {clients: [{min_remaining: 1m}]}", "cache.clients[0].user_agent", "is missing"},
		{"cache: {clients: [{user_agent: " + strings.Repeat("a", 513) + "}]}", "cache.clients[0].user_agent", "512"},
	} {
		_, err := load(t, "mode: development\n"+tt.text)
		t.Run(tt.text[:min(40, len(tt.text))], func(t *testing.T) { wantError(t, err, tt.path, tt.part) })
	}
}

func TestRefusedStructure(t *testing.T) {
	for _, tt := range []struct{ name, text, path, part string }{
		{"unknown at the top", "colour: red", "colour", "unknown key"},
		{"unknown inside", "cache: {redis: {tls: {on: true}}}", "cache.redis.tls.on", "one of ca_file, cert_file, enabled"},
		{"unknown in a list", pool("rolls: {}"), "pools[0].rolls", "unknown key"},
		{"unknown operation", "cognito: {limits: {Getid: 25}}", "cognito.limits.Getid",
			"one of CreateIdentityPool, DeleteIdentities"},
		{"strange operation", "cognito: {limits: {\"a\\nb\": 25}}", `cognito.limits."a\nb"`, "unknown key"},
		{"operation twice", "cognito: {limits: {GetId: 25, GetId: 26}}", "cognito.limits.GetId", "given twice"},
		{"other case", "Listen: 127.0.0.1:1", "Listen", "unknown key"},
		{"strange key", "\"a\\nb\": 1", `"a\nb"`, "unknown key"},
		{"empty key", "'': 1", `""`, "unknown key"},
		{"long key", strings.Repeat("k", 100) + ": 1", `"` + strings.Repeat("k", 64) + `..."`, "unknown key"},
		{"no x_file for what is no secret", "public_url_file: f", "public_url_file", "unknown key"},
		{"twice", "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2", "listen", "given twice"},
		{"twice inside", "log: {level: info, \"level\": debug}", "log.level", "given twice"},
		{"twice in a list", "pools: [{id: a, id: b}]", "pools[0].id", "given twice"},
		{"anchor", "log: &a {level: info}", "log", "anchor"},
		{"alias", "cache: {redis: {username: &a x, password: *a}}", "cache.redis.username", "anchor"},
		{"anchored key", "&a log: {level: info}", "log", "anchor"},
		{"alias to a key's value", "listen: x\npools: [&p {id: a}, *p]", "pools[0]", "anchor"},
		{"merge key", "log: {<<: {level: info}}", `log."<<"`, "merge"},
		{"tag", "listen: !!str 127.0.0.1:1", "listen", "tag"},
		{"own tag", "listen: !env LISTEN", "listen", "tag"},
		{"list as key", "log: {? [level] : info}", "log", "has a key that is no text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, "mode: development\n"+tt.text)
			wantError(t, err, tt.path, tt.part)
		})
	}
}

func TestRefusedFiles(t *testing.T) {
	folder := t.TempDir()
	for _, tt := range []struct {
		name, text, line, part string
	}{
		{"syntax", "mode: development\nlog: {level: info\n", ":2", "not valid YAML"},
		{"tab", "mode: development\n\tlog: x\n", ":2", "not valid YAML"},
		{"unknown alias", "mode: development\nlisten: *hunter2\n", ":2", "not valid YAML"},
		{"two documents", "mode: development\n---\nmode: development\n", "", "more than one"},
		{"second is broken", "mode: development\n---\n{\n", ":3", "not valid YAML"},
		{"a list", "- a\n", "", "is a list"},
		{"a text", "hello\n", "", "is a string"},
		{"an anchored root", "&a {}\n", "", "anchor"},
		{"control character", "mode: \x01\n", "", "not valid YAML"},
		{"not UTF-8", "mode: \xc3\x28\n", "", "not valid YAML"},
		{"too deep", "log: " + strings.Repeat("[", 1000) + "\n", ":1", "not valid YAML"},
		{"too large", "#" + strings.Repeat("x", 1<<20), "", "larger than 1048576"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(folder, "b.yaml")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := config.Load(file, nil)
			wantError(t, err, file+tt.line, tt.part)
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error quotes the file: %v", err)
			}
		})
	}
	for _, name := range []string{folder, filepath.Join(folder, "none.yaml"), filepath.Join(folder, "a\nb.yaml")} {
		_, err := config.Load(name, nil)
		wantError(t, err, strings.ReplaceAll(name, "\n", "?"), "cannot be read")
	}
}

func TestRefusedValues(t *testing.T) {
	two := "login_providers: [{" + goodProvider + "}, {" + goodProvider + "}]"
	idpARN := "arn:aws:iam::000000000000:oidc-provider/idp.test"
	for _, tt := range []struct{ text, path, part string }{
		{"mode: test", "mode", "one of production, development"},
		{"listen: 127.0.0.1", "listen", "port"},
		{"listen: 127.0.0.1:http", "listen", "port"},
		{"listen: 127.0.0.1:65536", "listen", "port"},
		{"listen: '127.0.0.1:'", "listen", "port"},
		{"listen: 127.0.0.1:080", "listen", "port"},
		{"listen: 'a b:80'", "listen", "host:port"},
		{"listen: 'fe80::1:80'", "listen", "host:port"},
		{"public_url: broker.example", "public_url", "absolute"},
		{"public_url: /base", "public_url", "absolute"},
		{"public_url: ftp://broker.example", "public_url", "http"},
		{"public_url: https://", "public_url", "URL"},
		{"public_url: https:broker.example", "public_url", "absolute"},
		{"public_url: https://u:p@broker.example", "public_url", "user"},
		{"public_url: https://broker.example/?a=b", "public_url", "query"},
		{"public_url: https://broker.example/?", "public_url", "query"},
		{"public_url: 'https://broker.example/#a'", "public_url", "fragment"},
		{"public_url: 'https://broker.example:'", "public_url", "port"},
		{"public_url: https://broker.example:0", "public_url", "port"},
		{"public_url: https://broker.example:70000", "public_url", "port"},
		{"public_url: 'https://broker example'", "public_url", "URL"},
		{"log: {level: trace}", "log.level", "one of debug, info, warn, error"},
		{"log: {format: text}", "log.format", "one of console, json"},
		{"limits: {body_bytes: 0}", "limits.body_bytes", "out of range"},
		{"limits: {body_bytes: -1}", "limits.body_bytes", "out of range"},
		{"limits: {request_timeout: 0s}", "limits.request_timeout", "out of range"},
		{"limits: {request_timeout: 1h}", "limits.request_timeout", "out of range"},
		{"cognito: {backend: real}", "cognito.backend", "one of embedded, aws"},
		{"cognito: {backend: aws}", "sts.backend", "cognito.backend: aws"},
		{"cognito: {backend: aws}\nsts: {backend: builtin}", "sts.backend", "cognito.backend: aws"},
		{"cognito: {region: US}", "cognito.region", "us-east-1"},
		{"cognito: {region: us-east-1a}", "cognito.region", "us-east-1"},
		{"cognito: {account_id: '12345678901'}", "cognito.account_id", "12 digits"},
		{"cognito: {account_id: '12345678901x'}", "cognito.account_id", "12 digits"},
		{"cognito: {issuer: broker}", "cognito.issuer", "absolute"},
		{"cognito: {signing_rotation: 0s}", "cognito.signing_rotation", "out of range"},
		{"cognito: {store: ''}", "cognito.store", "file"},
		{"cognito: {store: \"a\\0b\"}", "cognito.store", "file"},
		{"cognito: {endpoint: 'https://x.example'}", "cognito.endpoint", "does nothing"},
		{"sts: {backend: sts}", "sts.backend", "one of builtin, aws"},
		{"sts: {endpoint: 'https://x.example'}", "sts.endpoint", "does nothing"},
		{"sts: {backend: aws, endpoint: x}", "sts.endpoint", "absolute"},
		{"sts: {keys: [abc]}", "sts.keys[0]", "32 bytes"},
		{"sts: {keys: ['']}", "sts.keys[0]", "is empty"},
		{"sts: {keys: [" + base64Key(0) + ", " + base64Key(0) + "]}", "sts.keys[1]", "same key"},
		{"sts: {keys: [" + strings.Repeat(base64Key(0)+", ", 33) + "]}", "sts.keys", "at most 32"},
		{"callers: [" + strings.Repeat("{}, ", 1001) + "]", "callers", "at most 1000"},
		{"sts: {keys: [QUFB]}", "sts.keys[0]", "broker keys new"},
		{"development: {client_id: ''}", "development.client_id", "client id"},
		{"development: {client_id: 'a b'}", "development.client_id", "client id"},
		{"development: {identity_provider: true}\nlogin_providers: [{provider: '127.0.0.1:8080/dev/idp', issuer: " +
			"'http://127.0.0.1:8080/dev/idp', client_ids: [a]}]",
			"login_providers[0].provider", "adds itself"},
		{"development: {identity_provider: true}\npublic_url: https://broker.example/" + strings.Repeat("a", 120),
			"public_url", "too long"},
		{provider("issuer: 'https://idp.test', client_ids: [a]"), "login_providers[0].provider", "name"},
		{provider("provider: 'https://idp.test', issuer: 'https://idp.test', client_ids: [a]"), "login_providers[0].provider",
			"scheme"},
		{provider("provider: idp.test/, issuer: 'https://idp.test', client_ids: [a]"), "login_providers[0].provider",
			"differs"},
		{provider("provider: idp.test, client_ids: [a]"), "login_providers[0].issuer", "URL"},
		{provider("provider: idp.test, issuer: idp.test, client_ids: [a]"), "login_providers[0].issuer", "absolute"},
		{provider("provider: idp.test, issuer: 'https://idp.test'"), "login_providers[0].client_ids", "1 to 100"},
		{provider("provider: idp.test, issuer: 'https://idp.test', client_ids: ['']"), "login_providers[0].client_ids[0]",
			"client id"},
		{provider("provider: idp.test, issuer: 'https://idp.test', client_ids: [a, a]"), "login_providers[0].client_ids[1]",
			"twice"},
		{provider("provider: a, kind: ldap"), "login_providers[0].kind", "one of oidc"},
		{provider("provider: cognito-identity.amazonaws.com, issuer: 'https://cognito-identity.amazonaws.com', client_ids: " +
			"[a]"), "login_providers[0].provider", "Cognito's own"},
		{two, "login_providers[1].provider", "twice"},
		{caller("name: b", "name: 'a b'"), "callers[0].name", "letters"},
		{caller("name: b, ", ""), "callers[0].name", "is missing"},
		{caller("AKIDEXAMPLEBACKEND", "AKID"), "callers[0].access_key_id", "16 to 128"},
		{caller("AKIDEXAMPLEBACKEND", "AKID-XAMPLEBACKEND"), "callers[0].access_key_id", "16 to 128"},
		{caller("secret_access_key: s, ", ""), "callers[0].secret_access_key", "is missing"},
		{caller("access_key_id: AKIDEXAMPLEBACKEND, ", ""), "callers[0].access_key_id", "is missing"},
		{caller("0123456789abcdef", "'0123456789abcde'"), "callers[0].api_key", "16 bytes"},
		{caller("0123456789abcdef", "'0123456789 abcdef'"), "callers[0].api_key", "blanks"},
		{caller("scopes: [admin], ", ""), "callers[0].scopes", "is missing; expected at least one"},
		{caller("[admin]", "[]"), "callers[0].scopes", "is empty"},
		{caller(", pools: ['*']", ""), "callers[0].pools", "is missing"},
		{caller("[admin]", "[root]"), "callers[0].scopes[0]", "one of developer"},
		{caller("[admin]", "[admin, admin]"), "callers[0].scopes[1]", "twice"},
		{caller("['*']", "[]"), "callers[0].pools", "is empty"},
		{caller("['*']", "['us-east-1:*']"), "callers[0].pools[0]", "not a pool id"},
		{caller("['*']", "['us-east-1:1', '*']"), "callers[0].pools[1]", "makes the other pools needless"},
		{"callers: [{" + goodCaller + "}, {" + goodCaller + "}]", "callers[1].name", "callers[0]"},
		{"callers: [{" + goodCaller + "}, {" + strings.Replace(goodCaller, "name: b", "name: c", 1) + "}]",
			"callers[1].access_key_id", "callers[0]"},
		{"callers: [{" + goodCaller + "}, {" + strings.NewReplacer("name: b", "name: c", "AKID", "AKIE").Replace(goodCaller) +
			"}]", "callers[1].api_key", "callers[0]"},
		{"roles: [{arn: 'arn:aws:iam::1:role/r'}]", "roles[0].arn", "role"},
		{"roles: [{}]", "roles[0].arn", "role"},
		{"roles: [{arn: 'arn:aws:iam::123456789012:role/r', max_session_duration: 59m}]", "roles[0].max_session_duration",
			"out of range"},
		{"roles: [{arn: 'arn:aws:iam::123456789012:role/r', max_session_duration: 13h}]", "roles[0].max_session_duration",
			"out of range"},
		{"roles: [{arn: 'arn:aws:iam::123456789012:role/r'}, {arn: 'arn:aws:iam::123456789012:role/r'}]", "roles[1].arn",
			"twice"},
		{"pools: [{name: p}]", "pools[0].id", "is missing"},
		{"pools: [{id: us-east-1_AbC, name: p}]", "pools[0].id", "pool id"},
		{"pools: [{id: 'us-east-1:ABC', name: p}]", "pools[0].id", "pool id"},
		{"pools: [{id: 'us-east-1:" + strings.Repeat("a", 46) + "', name: p}]", "pools[0].id", "pool id"},
		{"pools: [{id: 'us-east-1:1'}]", "pools[0].name", "letters"},
		{"pools: [{id: 'us-east-1:1', name: 'a/b'}]", "pools[0].name", "letters"},
		{"pools: [{" + goodPool + "}, {" + goodPool + "}]", "pools[1].id", "twice"},
		{pool("developer_provider_name: 'a/b'"), "pools[0].developer_provider_name", "letters"},
		{pool("developer_provider_name: cognito-identity.amazonaws.com"), "pools[0].developer_provider_name",
			"login provider"},
		{provider(goodProvider) + "\n" + pool("developer_provider_name: idp.test"), "pools[0].developer_provider_name",
			"login provider"},
		{pool("open_id_connect_provider_arns: [idp.test]"), "pools[0].open_id_connect_provider_arns[0]", "ARN"},
		{pool("open_id_connect_provider_arns: ['" + idpARN + "']"), "pools[0].open_id_connect_provider_arns[0]",
			"names no login provider"},
		{provider(goodProvider) + "\n" + pool("open_id_connect_provider_arns: ['"+idpARN+"', '"+idpARN+"']"),
			"pools[0].open_id_connect_provider_arns[1]", "twice"},
		{pool("roles: {authenticated: demo}"), "pools[0].roles.authenticated", "ARN of a role"},
		{pool("roles: {unauthenticated: 'arn:aws:iam::000000000000:user/u'}"), "pools[0].roles.unauthenticated",
			"ARN of a role"},
		{pool("min_remaining: 12h1s"), "pools[0].min_remaining", "out of range"},
		{"cache: {memory: {max_entries: -1}}", "cache.memory.max_entries", "out of range"},
		{"cache: {memory: {max_entries: 0}}", "cache.memory.max_entries", "nothing would be cached"},
		{"cache: {min_remaining: 13h}", "cache.min_remaining", "out of range"},
		{"cache: {renew_idle: 13h}", "cache.renew_idle", "out of range"},
		{"cache: {clients: [{user_agent: a, min_remaining: 13h}]}", "cache.clients[0].min_remaining", "out of range"},
		{"cache: {redis: {sentinel: {master: m}}}", "cache.redis.addresses", "sentinel.master is given"},
		{"cache: {redis: {addresses: ['redis://127.0.0.1:6379']}}", "cache.redis.addresses[0]", "host:port"},
		{"cache: {redis: {addresses: [':6379']}}", "cache.redis.addresses[0]", "host:port"},
		{"cache: {redis: {addresses: ['a:1', 'a:1']}}", "cache.redis.addresses[1]", "twice"},
		{"cache: {redis: {addresses: ['a:1']}}", "cache.redis.keys", "broker keys new"},
		{"cache: {redis: {addresses: ['a:1'], keys: [" + base64Key(0) + "]}}", "cache.redis.name_key", "broker keys new"},
		{"cache: {redis: {keys: [" + base64Key(0) + "], name_key: " + base64Key(0) + "}}", "cache.redis.name_key",
			"key of its own"},
		{"cache: {redis: {name_key: abc}}", "cache.redis.name_key", "32 bytes"},
		{"cache: {redis: {min_replicas: -1}}", "cache.redis.min_replicas", "0 to 10"},
		{"cache: {redis: {min_replicas: 11}}", "cache.redis.min_replicas", "out of range"},
		{"cache: {redis: {dial_timeout: 0s}}", "cache.redis.dial_timeout", "out of range"},
		{"cache: {redis: {read_timeout: 2m}}", "cache.redis.read_timeout", "out of range"},
		{"cache: {redis: {write_timeout: 1us}}", "cache.redis.write_timeout", "out of range"},
		{"cache: {redis: {tls: {ca_file: a}}}", "cache.redis.tls.enabled", "is false"},
		{"cache: {redis: {tls: {enabled: true, cert_file: a}}}", "cache.redis.tls.cert_file", "both"},
	} {
		text := tt.text
		if !strings.HasPrefix(text, "mode:") {
			text = "mode: development\n" + text
		}
		_, err := load(t, text)
		t.Run(tt.text[:min(60, len(tt.text))], func(t *testing.T) { wantError(t, err, tt.path, tt.part) })
	}
}

// The parts that the tables above break are good when whole.
func TestGoodParts(t *testing.T) {
	mustLoad(t, "mode: development\n"+provider(goodProvider)+"\n"+caller("", "")+"\n"+
		pool("open_id_connect_provider_arns: ['arn:aws-cn:iam::000000000000:oidc-provider/idp.test'], min_remaining: 12h, "+
			"roles: {authenticated: 'arn:aws-us-gov:iam::000000000000:role/path/to/r'}")+
		"\nroles: [{arn: 'arn:aws:iam::123456789012:role/r', max_session_duration: 12h}]")
	c := mustLoad(t, "mode: development\nroles: [{arn: 'arn:aws:iam::123456789012:role/r'}]")
	if got := c.Roles[0].MaxSessionDuration.String(); got != "1h0m0s" {
		t.Errorf("max_session_duration: got %s, want an hour by default", got)
	}
}
