package config_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

const (
	plainKey = "0123456789abcdef"
	otherKey = "fedcba9876543210"
)

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// keyed is a caller with these keys.
func keyed(keys string) string {
	return "{name: b, " + keys + ", scopes: [admin], pools: ['*']}"
}

func TestKeysOfCallers(t *testing.T) {
	const (
		first  = "access_key_id: AKIDEXAMPLE00001, secret_access_key: s"
		second = "{access_key_id: AKIDEXAMPLE00002, secret_access_key: s}"
		third  = "{access_key_id: AKIDEXAMPLE00003, secret_access_key: s}"
	)
	plain, other := sha256.Sum256([]byte(plainKey)), sha256.Sum256([]byte(otherKey))
	for _, tt := range []struct {
		keys    string
		ids     []string
		digests [][32]byte
	}{
		{first, []string{"AKIDEXAMPLE00001"}, nil},
		{"access_keys: [" + second + "]", []string{"AKIDEXAMPLE00002"}, nil},
		{first + ", access_keys: [" + second + "]", []string{"AKIDEXAMPLE00001", "AKIDEXAMPLE00002"}, nil},
		{"access_keys: [" + second + ", " + third + "]", []string{"AKIDEXAMPLE00002", "AKIDEXAMPLE00003"}, nil},
		{"api_key: " + plainKey, nil, [][32]byte{plain}},
		{"api_key_sha256: '" + hashOf(plainKey) + "'", nil, [][32]byte{plain}},
		{"api_key_sha256: '" + strings.ToUpper(hashOf(plainKey)) + "'", nil, [][32]byte{plain}},
		{"api_keys: [" + plainKey + ", " + otherKey + "]", nil, [][32]byte{plain, other}},
		{"api_keys_sha256: ['" + hashOf(plainKey) + "'], api_keys: [" + otherKey + "]", nil, [][32]byte{other, plain}},
		{"api_key: " + plainKey + ", api_key_sha256: '" + hashOf(otherKey) + "', " + first, []string{"AKIDEXAMPLE00001"}, [][32]byte{plain, other}},
	} {
		t.Run(tt.keys, func(t *testing.T) {
			c := mustLoad(t, "mode: development\ncallers: ["+keyed(tt.keys)+"]")
			var ids []string
			for _, k := range c.Callers[0].AllAccessKeys() {
				ids = append(ids, k.AccessKeyID)
				if k.SecretAccessKey.Reveal() != "s" {
					t.Errorf("%s: got another secret", k.AccessKeyID)
				}
			}
			if got := c.Callers[0].APIKeyDigests(); !reflect.DeepEqual(ids, tt.ids) || !reflect.DeepEqual(got, tt.digests) {
				t.Errorf("got %v and %d digests, want %v and %d", ids, len(got), tt.ids, len(tt.digests))
			}
		})
	}
}

func TestRefusedKeysOfCallers(t *testing.T) {
	pair := func(n string) string {
		return "{access_key_id: AKIDEXAMPLE0000" + n + ", secret_access_key: s}"
	}
	hashed := hashOf(plainKey)
	for _, tt := range []struct{ keys, path, part string }{
		{"api_keys: []", "callers[0]", "keys are missing; expected access_key_id with secret_access_key, or api_key"},
		{"api_key: ''", "callers[0]", "keys are missing"},
		{"access_key_id: AKIDEXAMPLE00001", "callers[0].secret_access_key", "is missing"},
		{"secret_access_key: s", "callers[0].access_key_id", "is missing"},
		{"access_keys: [{}]", "callers[0].access_keys[0].access_key_id", "is missing"},
		{"access_keys: [{access_key_id: AKIDEXAMPLE00001}]", "callers[0].access_keys[0].secret_access_key", "is missing"},
		{"access_keys: [{access_key_id: AKID, secret_access_key: s}]", "callers[0].access_keys[0].access_key_id", "right form"},
		{"access_keys: [" + pair("1") + ", " + pair("2") + ", " + pair("3") + "]", "callers[0].access_keys", "at most two"},
		{"access_keys: [" + pair("1") + ", " + pair("1") + "]", "callers[0].access_keys[1].access_key_id", "is that of callers[0]"},
		{"api_keys: ['']", "callers[0].api_keys[0]", "is missing"},
		{"api_keys: [short]", "callers[0].api_keys[0]", "too short"},
		{"api_keys: [" + plainKey + ", '" + plainKey + " x']", "callers[0].api_keys[1]", "blanks"},
		{"api_keys: [" + plainKey + ", " + otherKey + "], api_key: 1234567890abcdefg", "callers[0].api_keys", "at most two"},
		{"api_keys: [" + plainKey + "], api_keys_sha256: ['" + hashOf(otherKey) + "', '" + hashOf("x") + "']", "callers[0].api_keys", "at most two"},
		{"api_keys: [" + plainKey + ", " + plainKey + "]", "callers[0].api_keys[1]", "is that of callers[0]"},
		{"api_key: " + plainKey + ", api_key_sha256: '" + hashed + "'", "callers[0].api_key_sha256", "is that of callers[0]"},
		{"api_key_sha256: '" + hashed[1:] + "'", "callers[0].api_key_sha256", "64 hexadecimal digits"},
		{"api_key_sha256: 'g" + hashed[1:] + "'", "callers[0].api_key_sha256", "64 hexadecimal digits"},
		{"api_keys_sha256: ['" + hashed + "', '" + hashed + "00']", "callers[0].api_keys_sha256[1]", "64 hexadecimal digits"},
		{"api_keys_sha256: ['']", "callers[0].api_keys_sha256[0]", "is missing"},
		{"api_key_sha256: '" + hashOf("") + "'", "callers[0].api_key_sha256", "SHA-256 of nothing"},
	} {
		t.Run(tt.keys, func(t *testing.T) {
			_, err := load(t, "mode: development\ncallers: ["+keyed(tt.keys)+"]")
			wantError(t, err, tt.path, tt.part)
			if strings.Contains(err.Error(), plainKey) || strings.Contains(err.Error(), hashed) {
				t.Errorf("error quotes a key: %v", err)
			}
		})
	}
}

// No two callers share a key, in whatever form each gives it.
func TestCallersShareNoKey(t *testing.T) {
	other := "callers: [" + keyed("api_keys: ["+plainKey+"], access_keys: [{access_key_id: AKIDEXAMPLE00001, secret_access_key: s}]") + ", "
	for keys, path := range map[string]string{
		"api_key: " + plainKey: "callers[1].api_key",
		"api_key_sha256: '" + strings.ToUpper(hashOf(plainKey)) + "'":                    "callers[1].api_key_sha256",
		"api_keys_sha256: ['" + hashOf(otherKey) + "', '" + hashOf(plainKey) + "']":      "callers[1].api_keys_sha256[1]",
		"access_key_id: AKIDEXAMPLE00001, secret_access_key: other":                      "callers[1].access_key_id",
		"access_keys: [{access_key_id: AKIDEXAMPLE00001, secret_access_key: something}]": "callers[1].access_keys[0].access_key_id",
	} {
		_, err := load(t, "mode: development\n"+other+strings.Replace(keyed(keys), "name: b", "name: c", 1)+"]")
		wantError(t, err, path, "is that of callers[0]")
	}
}

func TestKeysOfCallersFromFiles(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"keys": plainKey + "\r\n" + otherKey + "\n", "gap": plainKey + "\n\n" + otherKey, "secret": "the-secret\n", "hash": hashOf(plainKey) + "\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.LoadBytes(folder, []byte("mode: development\ncallers: ["+
		keyed("api_keys_file: keys, access_keys: [{access_key_id: AKIDEXAMPLE00001, secret_access_key_file: secret}]")+"]"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Callers[0].APIKeyDigests(); len(got) != 2 || got[0] != sha256.Sum256([]byte(plainKey)) || got[1] != sha256.Sum256([]byte(otherKey)) {
		t.Errorf("api_keys_file: got %d digests, want those of its lines", len(got))
	}
	if got := c.Callers[0].AllAccessKeys(); len(got) != 1 || got[0].SecretAccessKey.Reveal() != "the-secret" {
		t.Errorf("secret_access_key_file in a list: got %d keys, want one with the file's secret", len(got))
	}
	for keys, path := range map[string]string{
		"api_keys_file: gap":                              "callers[0].api_keys_file[1]",
		"api_keys_file: keys, api_keys: []":               "callers[0].api_keys_file",
		"api_keys_sha256_file: keys":                      "callers[0].api_keys_sha256[0]",
		"api_key_sha256_file: hash, api_key: " + plainKey: "callers[0].api_key_sha256",
	} {
		_, err := config.LoadBytes(folder, []byte("mode: development\ncallers: ["+keyed(keys)+"]"), nil)
		wantError(t, err, path, "")
	}
}

// What everyone knows is refused in production wherever it stands, hashed or not.
func TestProductionRefusesKnownKeys(t *testing.T) {
	const key, secret = "development-only-api-key", "development-only-secret-access-key"
	for keys, path := range map[string]string{
		"api_key: " + key: "callers[0].api_key",
		"api_keys: [" + plainKey + ", " + key + "]":                                             "callers[0].api_keys[1]",
		"api_key_sha256: " + hashOf(key):                                                        "callers[0].api_key_sha256",
		"api_keys_sha256: ['" + hashOf(plainKey) + "', '" + strings.ToUpper(hashOf(key)) + "']": "callers[0].api_keys_sha256[1]",
		"access_keys: [{access_key_id: AKIDEXAMPLE00001, secret_access_key: " + secret + "}]":   "callers[0].access_keys[0].secret_access_key",
	} {
		mustLoad(t, "mode: development\ncallers: ["+keyed(keys)+"]")
		_, err := load(t, production+"callers: ["+keyed(keys)+"]")
		wantError(t, err, path, "configs/development.yaml")
	}
}

// A text whose key says that it is one is a Secret: it prints as "[redacted]".
func TestEverySecretIsASecret(t *testing.T) {
	public := map[string]bool{ // by path
		"callers[].access_key_id": true, "callers[].access_keys[].access_key_id": true,
		"cache.redis.tls.key_file": true, "login_providers[].decryption_keys_file": true,
	}
	suspect := func(path string) bool {
		last := path[strings.LastIndexAny(path, ".]")+1:]
		for _, word := range []string{"secret", "key", "password", "token", "sha256", "credential"} {
			if strings.Contains(last, word) {
				return true
			}
		}
		return false
	}
	found := 0
	var walk func(of reflect.Type, path string)
	walk = func(of reflect.Type, path string) {
		switch {
		case of == reflect.TypeFor[config.Secret]() || of == reflect.TypeFor[config.Key]():
			found++
		case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct && of.Elem().PkgPath() == reflect.TypeFor[config.Secret]().PkgPath():
			if walkable := of.Elem() != reflect.TypeFor[config.Secret]() && of.Elem() != reflect.TypeFor[config.Key](); walkable {
				path += "[]"
			}
			walk(of.Elem(), path)
		case of.Kind() == reflect.Struct && of.PkgPath() == reflect.TypeFor[config.Secret]().PkgPath():
			for i := range of.NumField() {
				walk(of.Field(i).Type, strings.TrimPrefix(path+"."+of.Field(i).Tag.Get("yaml"), "."))
			}
		case (of.Kind() == reflect.String || of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.String) && suspect(path) && !public[path]:
			t.Errorf("%s is a %s, which prints", path, of)
		}
	}
	walk(reflect.TypeFor[config.Config](), "")
	if found < 9 {
		t.Errorf("got %d secrets, want those of callers, sts and cache.redis", found)
	}
}
