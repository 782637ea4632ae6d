package config_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

// desk is a folder with a configuration in it and all the files that it names.
type desk struct {
	t      *testing.T
	folder string
}

const (
	exposedTail = `
login_providers: []
callers: [{name: b, access_key_id: AKIDEXAMPLEBACKEND, secret_access_key_file: secret, api_key_file: api, scopes: [admin], pools: ['*']}]
sts: {keys_file: keys}
cache: {redis: {addresses: ['127.0.0.1:1'], password_file: password, name_key_file: name, keys_file: keys2, tls: {enabled: true, cert_file: cert.pem, key_file: key.pem}}}
`
	exposedEngine = "public_url: https://broker.example\ncognito: {store: broker.db}\n" + exposedTail
)

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, folder: t.TempDir()}
	for name, text := range map[string]string{
		"secret": "a-secret-access-key-of-this-test", "api": "an-api-key-of-this-test", "keys": base64Key(1),
		"keys2": base64Key(2), "name": base64Key(3),
		"password": "word", "key.pem": "x", "cert.pem": "x", "broker.db": "x", "broker.db-wal": "x", "broker.db-shm": "x",
		"broker.db.lock": "",
	} {
		d.write(name, text, 0o600)
	}
	return d
}

func (d *desk) write(name, text string, mode fs.FileMode) string {
	d.t.Helper()
	path := filepath.Join(d.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.chmod(name, mode)
	return path
}

func (d *desk) chmod(name string, mode fs.FileMode) {
	d.t.Helper()
	if err := os.Chmod(filepath.Join(d.folder, name), mode); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) load(text string, environ ...string) ([]config.Exposed, error) {
	d.t.Helper()
	_, exposed, err := config.LoadExposed(d.write("broker.yaml", text, 0o644), environ)
	return exposed, err
}

// secretNames are the files with secrets that the configuration names, by key.
var secretNames = map[string]string{
	"secret": "callers[0].secret_access_key_file", "api": "callers[0].api_key_file", "keys": "sts.keys_file",
	"password": "cache.redis.password_file", "name": "cache.redis.name_key_file", "keys2": "cache.redis.keys_file",
	"key.pem": "cache.redis.tls.key_file", "broker.db": "cognito.store", "broker.db-wal": "cognito.store",
	"broker.db-shm": "cognito.store",
}

// A file with secrets that others may read or write is refused in production, by a
// line that says what to do, and told of in development.
func TestExposedFiles(t *testing.T) {
	for name, key := range secretNames {
		for _, mode := range []fs.FileMode{0o604, 0o602, 0o644, 0o666} {
			d := newDesk(t)
			d.chmod(name, mode)
			path := filepath.Join(d.folder, name)
			_, err := d.load(exposedEngine)
			if err == nil || !strings.HasPrefix(err.Error(), key+": "+path+" may be read or written by others") ||
				!strings.HasSuffix(err.Error(), "chmod o-rwx "+path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %o, in production: got %v", name, mode, err)
			}
			exposed, err := d.load("mode: development\n" + exposedEngine)
			if err != nil || len(exposed) != 1 || exposed[0] != (config.Exposed{Key: key, File: path, Mode: mode}) {
				t.Errorf("%s, %o, in development: got %v, %v", name, mode, exposed, err)
			}
		}
	}
}

// The group may read: that is how containers get secrets. What holds no secrets is
// nobody's concern, nor is a store that nothing opens.
func TestFilesThatAreNotExposed(t *testing.T) {
	d := newDesk(t)
	check := func(what, text string) {
		t.Helper()
		if exposed, err := d.load(text); err != nil || len(exposed) > 0 {
			t.Errorf("%s: got %v, %v", what, exposed, err)
		}
	}
	check("all as they should be", exposedEngine)
	for name := range secretNames {
		d.chmod(name, 0o440)
	}
	check("read by the group", exposedEngine)
	d.chmod("cert.pem", 0o644)
	d.chmod("broker.db.lock", 0o644)
	check("a certificate", exposedEngine)
	d.chmod("broker.db", 0o644)
	check("a store of no engine", "public_url: https://broker.example\ncognito: {backend: aws, store: broker.db}\n"+
		strings.Replace(exposedTail, "sts: {keys_file: keys}", "sts: {backend: aws}", 1))
	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(d.folder, "broker.db"+part)); err != nil {
			t.Fatal(err)
		}
	}
	check("a store that is yet to be made", exposedEngine)
}

// A link is what it leads to: its own mode is that of all links. So do Kubernetes'
// volumes show secrets.
func TestExposedThroughLinks(t *testing.T) {
	for name, key := range secretNames {
		d := newDesk(t)
		real := filepath.Join(d.folder, "real")
		for _, err := range []error{
			os.Rename(filepath.Join(d.folder, name), real), os.Symlink("real", filepath.Join(d.folder, "..data")),
			os.Symlink("..data", filepath.Join(d.folder, name)), os.Chmod(real, 0o640),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if exposed, err := d.load(exposedEngine); err != nil || len(exposed) > 0 {
			t.Errorf("%s leads to a file of mode 640: got %v, %v", name, exposed, err)
		}
		d.chmod("real", 0o644)
		if _, err := d.load(exposedEngine); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%s leads to a file of mode 644: got %v", name, err)
		}
	}
}

// What is no file has no content of its own that others could read.
func TestExposedIsOfFiles(t *testing.T) {
	for mode, want := range map[fs.FileMode]bool{
		0o644: true, 0o602: true, 0o641: false, 0o640: false, fs.ModeNamedPipe | 0o666: false, fs.ModeDevice | 0o666: false,
		fs.ModeDir | 0o755: false,
	} {
		if got := config.OthersMay(mode); got != want {
			t.Errorf("%v: got %t, want %t", mode, got, want)
		}
	}
}

// The configuration itself is told of, in either mode, where a secret stands in it.
func TestExposedConfiguration(t *testing.T) {
	d := newDesk(t)
	literal := strings.Replace(exposedEngine, "password_file: password", "password: 'hush'", 1)
	for what, c := range map[string]struct {
		text    string
		environ []string
		want    bool
	}{
		"no secret":                {exposedEngine, nil, false},
		"a secret":                 {literal, nil, true},
		"a secret, in development": {"mode: development\n" + literal, nil, true},
		"an empty one":             {strings.Replace(literal, "hush", "", 1), nil, false},
		"a key": {strings.Replace(exposedEngine, "keys_file: keys}", "keys: ['"+base64Key(1)+"']}", 1),
			nil, true},
		"a variable":                {strings.Replace(literal, "hush", "${WORD}", 1), []string{"WORD=word"}, false},
		"a variable in its place":   {literal, []string{"BROKER_CACHE__REDIS__PASSWORD=other"}, false},
		"variables in a whole list": {exposedEngine, []string{"BROKER_STS={keys: ['" + base64Key(1) + "']}"}, false},
		"a secret that everyone has": {"mode: development\n" +
			strings.Replace(exposedEngine, "api_key_file: api", "api_key: development-only-api-key", 1), nil, false},
	} {
		exposed, err := d.load(c.text, c.environ...)
		want := config.Exposed{File: filepath.Join(d.folder, "broker.yaml"), Mode: 0o644}
		if err != nil || (len(exposed) == 1 && exposed[0] == want) != c.want || !c.want && len(exposed) > 0 {
			t.Errorf("%s: got %v, %v, want it told: %t", what, exposed, err, c.want)
		}
	}
	if exposed, err := d.load(literal); err != nil ||
		!strings.Contains(exposed[0].Problem(), "broker.yaml holds secrets, and may be read") {
		t.Errorf("got %v, %v", exposed, err)
	}
}

// Files that say whom to believe are no secrets: others may read them, but not write them.
func TestFilesThatOthersMayWrite(t *testing.T) {
	for _, key := range []string{"jwks_file", "ca_file", "metadata_file"} {
		for mode, refused := range map[fs.FileMode]bool{0o600: false, 0o644: false, 0o664: false, 0o666: true, 0o602: true} {
			d := newDesk(t)
			d.write("believed", `{"keys":[]}`, mode)
			of := "provider: idp.example, issuer: 'https://idp.example', client_ids: [a]"
			if key == "metadata_file" {
				of = "provider: '" + samlIssuer + "', kind: saml"
			}
			provider := "login_providers: [{" + of + ", " + key + ": believed}]"
			_, err := d.load(strings.Replace(exposedEngine, "login_providers: []", provider, 1))
			path := filepath.Join(d.folder, "believed")
			want := fmt.Sprintf("login_providers[0].%s: %s may be written by others (mode %04o); expected by its owner and "+
				"group alone: chmod o-w %s", key, path, mode, path)
			if got := err != nil && strings.Contains(err.Error(), "by others"); got != refused || refused && err.Error() != want {
				t.Errorf("%s, mode %04o: got %v, want it refused: %v", key, mode, err, refused)
			}
		}
	}
}
