package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/config"
)

func TestOverrides(t *testing.T) {
	file := "mode: development\nlog: {level: debug}\ncache: {min_remaining: 1m, renew_idle: 2m}\n" +
		"sts: {keys: [" + base64Key(0) + "]}\npools: [{" + goodPool + "}]\n"
	c := mustLoad(t, file,
		"BROKER_CACHE__MIN_REMAINING=7m",
		"BROKER_CACHE={min_remaining: 8m, renew_idle: 9m}", // the more particular variable wins
		"BROKER_CACHE__CLIENTS=[{user_agent: 'x', min_remaining: 3m}]",
		"BROKER_POOLS=[{id: 'us-east-1:2', name: other}]",
		"BROKER_COGNITO__ACCOUNT_ID=012345678901", // no shell leaves quotes around it
		"BROKER_LIMITS__BODY_BYTES=1000",
		"BROKER_LISTEN=0.0.0.0:1",
		"BROKER_DEVELOPMENT__IDENTITY_PROVIDER=true",
		"BROKER_STS__KEYS=["+base64Key(1)+", "+base64Key(2)+"]",
		"BROKER_CACHE__REDIS__USERNAME=",
		"BROKER_URL=http://127.0.0.1:1", "BROKER_TEST_WITHOUT=redis", "BROKERAGE=x", "broker_listen=x",
	)
	got := map[string]any{
		"level": c.Log.Level, "floor": c.Cache.MinRemaining, "idle": c.Cache.RenewIdle, "clients": len(c.Cache.Clients),
		"pool": c.Pools[0].ID, "pools": len(c.Pools), "account": c.Cognito.AccountID, "body": c.Limits.BodyBytes,
		"listen": c.Listen, "idp": c.Development.IdentityProvider, "keys": len(c.STS.Keys), "user": c.Cache.Redis.Username,
	}
	want := map[string]any{
		"level": "debug", "floor": 7 * time.Minute, "idle": 9 * time.Minute, "clients": 1,
		"pool": "us-east-1:2", "pools": 1, "account": "012345678901", "body": 1000,
		"listen": "0.0.0.0:1", "idp": true, "keys": 2, "user": "",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("overridden (-want +got):\n%s", d)
	}
}

func TestOverrideReplacesWhatItOutranks(t *testing.T) {
	// Neither the file's unset variable nor its missing file is looked at.
	c := mustLoad(t, "mode: development\nlisten: ${NOBODY_SETS_THIS}\nlog: ~\n"+
		"cache: {redis: {password_file: /does/not/exist}}",
		"BROKER_LISTEN=127.0.0.1:7", "BROKER_LOG__LEVEL=warn", "BROKER_CACHE__REDIS__PASSWORD=12345")
	if c.Listen != "127.0.0.1:7" || c.Log.Level != "warn" || c.Cache.Redis.Password.Reveal() != "12345" {
		t.Errorf("got listen %q, level %q, password of %d characters", c.Listen, c.Log.Level,
			len(c.Cache.Redis.Password.Reveal()))
	}
	c = mustLoad(t, "mode: development\ncache: {redis: {password_file: /does/not/exist}}",
		"BROKER_CACHE={redis: {password: p}}")
	if got := c.Cache.Redis.Password.Reveal(); got != "p" {
		t.Errorf("password: got %q, want the environment's", got)
	}
}

func TestRefusedOverrides(t *testing.T) {
	for _, tt := range []struct{ variable, path, part string }{
		{"BROKER_COLOUR=red", "BROKER_COLOUR", "names no key"},
		{"BROKER_=x", "BROKER_", "names no key"},
		{"BROKER_Listen=127.0.0.1:1", "BROKER_Listen", "names no key"},
		{"BROKER_LISTEN__HOST=x", "BROKER_LISTEN__HOST", "names no key"},
		{"BROKER_CACHE_MIN_REMAINING=1m", "BROKER_CACHE_MIN_REMAINING", "names no key"},
		{"BROKER_CACHE__=1", "BROKER_CACHE__", "names no key"},
		{"BROKER_POOLS__0__NAME=x", "BROKER_POOLS__0__NAME", "lists are replaced whole"},
		{"BROKER_LISTEN_FILE=x", "BROKER_LISTEN_FILE", "names no key"},
		{"BROKER_CACHE__REDIS__KEYS__BYTES=x", "BROKER_CACHE__REDIS__KEYS__BYTES", "names no key"},
		{"BROKER_STS__KEYS=", "BROKER_STS__KEYS", "is empty"},
		{"BROKER_CACHE=", "BROKER_CACHE", "is empty"},
		{"BROKER_LISTEN=", "listen", "BROKER_LISTEN"},
		{"BROKER_LISTEN=~", "listen", "BROKER_LISTEN"},
		{"BROKER_CACHE__REDIS__PASSWORD=#pass", "BROKER_CACHE__REDIS__PASSWORD", "comment"},
		{"BROKER_LOG={", "BROKER_LOG:1", "not valid YAML"},
		{"BROKER_LOG={level: *a}", "BROKER_LOG:1", "not valid YAML"},
		{"BROKER_LOG={level: info, level: info}", "log.level", "given twice"},
		{"BROKER_LOG={size: 1}", "log.size", "BROKER_LOG"},
		{"BROKER_LOG=info", "log", "BROKER_LOG"},
		{"BROKER_CACHE__MIN_REMAINING=20", "cache.min_remaining", "BROKER_CACHE__MIN_REMAINING"},
		{"BROKER_CACHE__CLIENTS=[{user_agent: a, min_remaining: 20}]", "cache.clients[0].min_remaining",
			"BROKER_CACHE__CLIENTS"},
		{"BROKER_LISTEN=[127.0.0.1:1]", "listen", "is a list"},
		{"BROKER_LIMITS__BODY_BYTES='1'", "limits.body_bytes", "whole number"},
		{"BROKER_CALLERS=[{name: 5}]", "callers[0].name", "is a number"},
	} {
		_, err := load(t, "mode: development", tt.variable)
		t.Run(tt.variable, func(t *testing.T) { wantError(t, err, tt.path, tt.part) })
	}
	_, err := load(t, "mode: development", "BROKER_STS__KEYS=["+base64Key(0)+"]", "BROKER_STS__KEYS_FILE=f")
	wantError(t, err, "sts.keys_file", "BROKER_STS__KEYS_FILE is given together with BROKER_STS__KEYS")
	_, err = load(t, "mode: development", "BROKER_CACHE__REDIS={password: a, password_file: b}")
	wantError(t, err, "cache.redis.password_file", "is given together with password")
}

func TestExpand(t *testing.T) {
	environ := []string{"NAME=value", "EMPTY=", "NUMBER=12", "YES= true ", "TIME=9m", "YAML=a: [b]\n- {c}", "TILDE=~",
		"DOLLAR=${NAME}", "lower_1=low"}
	for _, tt := range []struct{ value, want string }{
		{"${NAME}", "value"},
		{"'${NAME}'", "value"},
		{"\"a${NAME}b${NAME}c\"", "avaluebvaluec"},
		{"$$", "$"},
		{"$${NAME}", "${NAME}"},
		{"$$$${NAME}", "$${NAME}"},
		{"$$${NAME}", "$value"},
		{"a$", "a$"},
		{"$NAME", "$NAME"},
		{"${EMPTY}", ""},
		{"${EMPTY:-other}", "other"},
		{"${UNSET:-other}", "other"},
		{"'${UNSET:-}'", ""},
		{"${UNSET:-a:-b$c}", "a:-b$c"},
		{"${NAME:-other}", "value"},
		{"${NUMBER}", "12"},
		{"'${YAML}'", "a: [b]\n- {c}"},
		{"${TILDE}", "~"},
		{"${DOLLAR}", "${NAME}"}, // once, not again
		{"${lower_1}", "low"},
	} {
		c := mustLoad(t, "mode: development\ncache:\n  redis:\n    username: "+tt.value, environ...)
		if got := c.Cache.Redis.Username; got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.value, got, tt.want)
		}
	}
	c := mustLoad(t, "mode: development\nlimits: {body_bytes: '${NUMBER}', request_timeout: '${UNSET:-3s}'}\n"+
		"development:\n  identity_provider: ${YES}\ncache:\n  min_remaining: ${TIME}", environ...)
	if c.Limits.BodyBytes != 12 || c.Limits.RequestTimeout != 3*time.Second || !c.Development.IdentityProvider ||
		c.Cache.MinRemaining != 9*time.Minute {
		t.Errorf("typed values: got %+v, %+v, %v", c.Limits, c.Development, c.Cache.MinRemaining)
	}
	for _, tt := range []struct{ value, part string }{
		{"${UNSET}", "UNSET"}, {"'a ${NAME} ${UNSET}'", "UNSET"}, {"'${'", "without its }"}, {"'${NAME'", "without its }"},
		{"'${}'", "names no variable"}, {"'${1A}'", "names no variable"}, {"'${A B}'", "names no variable"},
		{"'${A-b}'", "names no variable"},
	} {
		_, err := load(t, "mode: development\ncache:\n  redis:\n    username: "+tt.value, environ...)
		wantError(t, err, "cache.redis.username", tt.part)
	}
	_, err := load(t, "mode: development\nsts: {keys: '${YAML}'}", environ...)
	wantError(t, err, "sts.keys", "is a string") // a variable never becomes a list
	_, err = load(t, "mode: development\n${NAME}: x", environ...)
	wantError(t, err, `"${NAME}"`, "unknown key") // and never a key
}

// Whatever a variable holds, it ends up in its value to the letter and nowhere else.
func TestVariablesNeverInject(t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"x\nmode: production", "a}, listen: b", "*a", "&a b", "!!int 1", "#", "'", "\"", "$$", "${UNSET}", "- a", "null",
			"<<: {}",
		})).Draw(t, "value")
		c, err := config.LoadBytes(folder,
			[]byte("mode: development\ncache:\n  redis:\n    password: ${V:-}\n    username: '<${V:-}>'"),
			[]string{"V=" + value})
		if err != nil {
			t.Fatalf("Load: %v", err)
		}
		if got := c.Cache.Redis.Password.Reveal(); got != value {
			t.Errorf("password: got %q, want %q", got, value)
		}
		if got := c.Cache.Redis.Username; got != "<"+value+">" {
			t.Errorf("username: got %q, want %q in <>", got, value)
		}
	})
}

func TestErrorsNeverQuoteValues(t *testing.T) {
	const text = "hunter2"
	c := mustLoad(t, "mode: development")
	if strings.Contains(c.Cache.Redis.Password.Reveal(), text) {
		t.Fatal("the default password is the test's")
	}
	for _, key := range []string{
		"mode", "listen", "public_url", "log.level", "log.format", "limits.body_bytes", "limits.request_timeout",
		"limits.trusted_proxies", "limits.guests", "limits.guests.burst", "cognito.limits", "cognito.backend",
		"cognito.region",
		"cognito.account_id", "cognito.issuer", "cognito.signing_rotation", "cognito.endpoint", "sts.backend", "sts.endpoint",
		"sts.keys",
		"development.identity_provider", "cache.memory.max_entries", "cache.min_remaining", "cache.redis.name_key",
		"cache.redis.keys_file",
		"cache.redis.dial_timeout", "cache.redis.tls.enabled", "cache.redis.tls", "roles", "pools",
	} {
		for _, value := range []string{text, "[" + text + "]", "{" + text + ": 1}", "redis://:" + text + "@x/",
			"'${" + text + " }'", "*" + text, "!" + text + " x"} {
			variable := "BROKER_" + strings.ReplaceAll(strings.ToUpper(key), ".", "__")
			_, err := load(t, "mode: development", variable+"="+value)
			if err == nil {
				t.Errorf("%s=%s is accepted", variable, value)
			} else if strings.Contains(err.Error(), text) && !strings.HasPrefix(value, "{") {
				t.Errorf("%s=%s: error quotes the value: %v", variable, value, err)
			}
		}
	}
}
