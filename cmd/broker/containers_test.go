package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/redistest"
	"github.com/cognito-broker/broker/internal/testport"
)

// composition is a file for docker compose. No container engine runs in tests: what
// is checked is that it parses, and that the brokers in it would start.
type composition struct {
	Services map[string]service
}

type service struct {
	Image, Build string
	Command      []string
	Environment  map[string]*string
}

func compose(t *testing.T, file string) composition {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c composition
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+):\?[^}]+\}`)

// environ is what a service is given of secrets; nil for a variable that is passed
// through only where it is set, which it is not.
func (s service) environ(secrets map[string]string) []string {
	var list []string
	for name, value := range s.Environment {
		if value != nil {
			list = append(list, name+"="+variable.ReplaceAllStringFunc(*value, func(found string) string {
				return secrets[variable.FindStringSubmatch(found)[1]]
			}))
		}
	}
	return list
}

// secrets are values for all variables that a file wants.
func secrets(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for _, found := range variable.FindAllStringSubmatch(string(text), -1) {
		made[found[1]] = base64Key()
		if !strings.Contains(string(text), " "+found[1]+" ") && !strings.Contains(string(text), " "+found[1]+";") {
			t.Errorf("%s: the lines that make .env leave out %s", file, found[1])
		}
	}
	return made
}

// checks has the command check read a configuration.
func (i *instance) checks(t *testing.T, what, config string) {
	t.Helper()
	if _, err := i.command(t, "check", "-config", config); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestContainerFiles(t *testing.T) {
	t.Parallel()
	c := compose(t, "../../docker-compose.yml")
	if c.Services["broker"].Build == "" || !strings.HasPrefix(c.Services["redis"].Image, "redis:") {
		t.Errorf("got %v, want a broker that is built and a Redis", c.Services)
	}
	b := prepare(t, nil, "")
	b.environ = append(b.environ, c.Services["broker"].environ(nil)...)
	b.checks(t, "the composed broker", "../../configs/development.yaml")
	if passed, ok := c.Services["broker"].Environment["BROKER_CACHE__REDIS"]; !ok || passed != nil {
		t.Error("BROKER_CACHE__REDIS: got a value, want what the shell has")
	}
	b.environ = append(b.environ, "BROKER_CACHE__REDIS={addresses: ['redis:6379'], keys: ['"+base64Key()+"'], name_key: '"+base64Key()+"'}")
	b.checks(t, "the composed broker with Redis", "../../configs/development.yaml")

	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if instruction, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok && instruction == strings.ToUpper(instruction) && instruction != "#" {
			last[instruction] = rest
		}
	}
	if last["FROM"] != "scratch" || !strings.HasPrefix(last["USER"], "65532") || !strings.Contains(string(text), "CGO_ENABLED=0") {
		t.Errorf("got FROM %q USER %q, want a static binary, not as root", last["FROM"], last["USER"])
	}
}

// The brokers of the fleet's example start with its files, here as processes, and
// share what one of them fetched.
func TestFleetExample(t *testing.T) {
	t.Parallel()
	const file, folder = "../../deploy/fleet/docker-compose.yml", "../../deploy/fleet/"
	c, made := compose(t, file), secrets(t, file)
	bare := prepare(t, nil, "").environ
	redis := redistest.Single(t, redistest.Password(made["REDIS_PASSWORD"]))
	idp := idptest.Start(t)
	example := func(name string, overrides ...string) *instance {
		t.Helper()
		s := c.Services[name]
		config := folder + strings.TrimPrefix(s.Command[len(s.Command)-1], "/configuration/")
		address := testport.Address(t)
		i := &instance{url: "http://" + address, config: config, logs: &syncBuffer{}, environ: append(slices.Clone(bare), s.environ(made)...)}
		i.checks(t, name, config)
		i.environ = append(i.environ, overrides...)
		i.environ = append(i.environ, "BROKER_LISTEN="+address, "BROKER_PUBLIC_URL="+i.url,
			"BROKER_LOGIN_PROVIDERS=[{provider: '"+idp.Name()+"', issuer: '"+idp.URL+"', client_ids: ["+idptest.ClientID+"]}]")
		i.start(t)
		return i
	}
	engine := example("engine", "BROKER_COGNITO__STORE="+t.TempDir()+"/broker.db",
		"BROKER_POOLS=[{id: '"+demoPool+"', name: app, developer_provider_name: login.example, open_id_connect_provider_arns: ["+arnsYAML([]string{idp.URL})+
			"], roles: {authenticated: 'arn:aws:iam::000000000000:role/users'}}]")
	at := []string{
		"BROKER_COGNITO__ENDPOINT=" + engine.url, "BROKER_COGNITO__ISSUER=" + engine.url, "BROKER_STS__ENDPOINT=" + engine.url,
		"BROKER_CACHE__REDIS__ADDRESSES=['" + redis.Addr() + "']",
	}
	first, second := example("edge-1", at...), example("edge-2", at...)
	login := map[string]any{"logins": map[string]string{idp.Name(): idp.Token(idptest.Claims{"sub": "alice"})}}
	for _, ask := range []struct {
		of   *instance
		want string
	}{{first, "miss"}, {second, "hit"}} {
		if a := ask.of.rest(t, demoPool, "credentials", login); a.status != 200 || a.header.Get("X-Cache") != ask.want {
			t.Errorf("got status %d, X-Cache %q; want 200, %q", a.status, a.header.Get("X-Cache"), ask.want)
		}
	}
	user := map[string]any{"userIdentifier": "user-17"}
	if a := second.rest(t, demoPool, "developer/credentials", user, bearer(made["BACKEND_API_KEY"])...); a.status != 200 {
		t.Errorf("a backend's user: got status %d, want 200", a.status)
	}
	if got, want := slices.Sorted(maps.Keys(c.Services)), []string{"edge-1", "edge-2", "engine", "redis"}; !slices.Equal(got, want) {
		t.Errorf("got services %v, want %v", got, want)
	}
}
