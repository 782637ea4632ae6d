package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

func TestSecretFiles(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("secret", "the-${SECRET}\n")
	write("api", "0123456789abcdef")
	write("password", "with a line feed\n\n")
	write("name", base64Key(0)+"\r\n")
	write("keys", base64Key(1)+"\n"+base64Key(2)+"\n")
	write("broken", base64Key(1)+"\n\n"+base64Key(2)+"\n")
	write("empty", "\n")
	write("large", strings.Repeat("x", 64<<10+1))

	text := "mode: development\n" +
		"callers: [{name: b, access_key_id: AKIDEXAMPLEBACKEND, secret_access_key_file: secret, api_key_file: " +
		"'${API:-api}', scopes: [admin], pools: ['*']}]\n" +
		"sts: {keys_file: ./keys}\n" +
		"cache: {redis: {password_file: '" + folder + "/password', name_key_file: name, keys_file: keys}}\n"
	c, err := config.LoadBytes(folder, []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ key, got, want string }{
		{"secret_access_key", c.Callers[0].SecretAccessKey.Reveal(), "the-${SECRET}"}, // a file's text is taken as it is
		{"api_key", c.Callers[0].APIKey.Reveal(), "0123456789abcdef"},
		{"password", c.Cache.Redis.Password.Reveal(), "with a line feed\n"},
		{"name_key", string(c.Cache.Redis.NameKey.Bytes()), strings.Repeat("A", 32)},
		{"keys[1]", string(c.Cache.Redis.Keys[1].Bytes()), strings.Repeat("C", 32)},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.key, tt.got, tt.want)
		}
	}
	if len(c.STS.Keys) != 2 {
		t.Errorf("sts.keys: got %d, want 2", len(c.STS.Keys))
	}

	for _, tt := range []struct{ text, path, part string }{
		{"cache: {redis: {password: '', password_file: password}}", "cache.redis.password_file", "together with password"},
		{"cache: {redis: {password_file: password, password: a}}", "cache.redis.password_file", "together with password"},
		{"sts: {keys: [], keys_file: keys}", "sts.keys_file", "together with keys"},
		{"sts: {keys_file: broken}", "sts.keys_file[1]", "32 bytes"},
		{"sts: {keys_file: api}", "sts.keys_file[0]", "32 bytes"},
		{"sts: {keys_file: [keys]}", "sts.keys_file", "is a list"},
		{"cache: {redis: {name_key_file: api}}", "cache.redis.name_key_file", "32 bytes"},
		{"cache: {redis: {password_file: none}}", "cache.redis.password_file", "cannot be read"},
		{"cache: {redis: {password_file: .}}", "cache.redis.password_file", "cannot be read"},
		{"cache: {redis: {password_file: empty}}", "cache.redis.password_file", "empty file"},
		{"cache: {redis: {password_file: large}}", "cache.redis.password_file", "larger than 65536"},
		{"cache: {redis: {password_file: ''}}", "cache.redis.password_file", "name of a file"},
		{"cache: {redis: {password_file: 5}}", "cache.redis.password_file", "is a number"},
		{"cache: {redis: {password_file: '${UNSET}'}}", "cache.redis.password_file", "UNSET"},
		{"cache: {redis: {username_file: name}}", "cache.redis.username_file", "unknown key"},
		{"cache: {redis: {password_file_file: name}}", "cache.redis.password_file_file", "unknown key"},
	} {
		_, err := config.LoadBytes(folder, []byte("mode: development\n"+tt.text), nil)
		t.Run(tt.text, func(t *testing.T) {
			wantError(t, err, tt.path, tt.part)
			if strings.Contains(err.Error(), "0123456789abcdef") {
				t.Errorf("error quotes the file: %v", err)
			}
		})
	}
}
