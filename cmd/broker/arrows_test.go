package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cognito-broker/broker/"

// layers is the house: a package may import packages of lower layers only, and
// those beside it that are named in allowed.
var layers = map[string]int{
	"cmd/broker":                         6,
	"internal/httpapi":                   5,
	"internal/awswire":                   4,
	"internal/awswire/sigv4":             4,
	"internal/flows":                     3,
	"internal/cognito":                   2,
	"internal/cognito/embedded":          2,
	"internal/cognito/contract":          2,
	"internal/cognito/embedded/issuer":   2,
	"internal/cognito/embedded/model":    2,
	"internal/cognito/embedded/rules":    2,
	"internal/cognito/embedded/store":    2,
	"internal/cognito/embedded/transfer": 2,
	"internal/cognito/upstream":          2,
	"internal/adminclient":               1,
	"internal/callers":                   1,
	"internal/sts":                       1,
	"internal/sts/trust":                 0,
	"internal/logins":                    1,
	"internal/userpool":                  1,
	"internal/logins/idptest":            1,
	"internal/devidp":                    1,
	"internal/cache":                     1,
	"internal/cache/fleet":               1,
	"internal/cache/fleet/entry":         1,
	"internal/cache/fleet/flight":        1,
	"internal/cache/fleet/schedule":      1,
	"internal/cache/fleet/registry":      1,
	"internal/cache/fleet/fence":         1,
	"internal/cache/fleet/pipeline":      1,
	"internal/cache/fleet/redisconn":     1,
	"internal/cache/fleet/codec":         1,
	"internal/config":                    1,
	"internal/settings":                  0, // knows nothing of ours
	"internal/telemetry":                 1,
	"internal/redistest":                 0,
	"internal/testparallel":              0, // knows nothing of ours
	"internal/testport":                  0, // knows nothing of ours
	"internal/strictjson":                0, // knows nothing of ours
	"internal/jwt":                       0,
	"internal/saml":                      0, // knows nothing of ours
	"internal/saml/samltest":             0,
	"internal/loginkey":                  0, // knows nothing of ours
}

// beside are the arrows within a layer.
var beside = map[string][]string{
	"internal/cache/fleet": {
		"internal/cache", "internal/cache/fleet/codec", "internal/cache/fleet/redisconn", "internal/cache/fleet/pipeline",
		"internal/cache/fleet/fence", "internal/cache/fleet/entry", "internal/cache/fleet/flight",
		"internal/cache/fleet/schedule", "internal/cache/fleet/registry",
	},
	"internal/cache/fleet/entry":         {"internal/cache", "internal/cache/fleet/codec", "internal/cache/fleet/redisconn", "internal/cache/fleet/pipeline", "internal/cache/fleet/fence"},
	"internal/cache/fleet/flight":        {"internal/cache", "internal/cache/fleet/codec", "internal/cache/fleet/redisconn", "internal/cache/fleet/pipeline"},
	"internal/cache/fleet/schedule":      {"internal/cache", "internal/cache/fleet/codec", "internal/cache/fleet/redisconn", "internal/cache/fleet/fence"},
	"internal/cache/fleet/registry":      {"internal/cache", "internal/cache/fleet/codec", "internal/cache/fleet/redisconn", "internal/cache/fleet/pipeline", "internal/cache/fleet/fence"},
	"internal/cache/fleet/fence":         {"internal/cache", "internal/cache/fleet/codec", "internal/cache/fleet/redisconn", "internal/cache/fleet/pipeline"},
	"internal/cache/fleet/pipeline":      {"internal/cache/fleet/codec", "internal/cache/fleet/redisconn"},
	"internal/cache/fleet/redisconn":     {"internal/cache", "internal/cache/fleet/codec"},
	"internal/cache/fleet/codec":         {"internal/cache"},
	"internal/awswire":                   {"internal/awswire/sigv4"},
	"internal/cognito/embedded":          {"internal/cognito", "internal/cognito/embedded/issuer", "internal/cognito/embedded/rules", "internal/cognito/embedded/store"},
	"internal/cognito/embedded/rules":    {"internal/cognito"},
	"internal/cognito/embedded/store":    {"internal/cognito/embedded/issuer", "internal/cognito/embedded/rules"},
	"internal/cognito/contract":          {"internal/cognito"},
	"internal/cognito/embedded/model":    {"internal/cognito"},
	"internal/cognito/embedded/transfer": {"internal/cognito/embedded/rules", "internal/cognito/embedded/store"},
	"internal/cognito/upstream":          {"internal/cognito"},
	"internal/sts/trust":                 {"internal/strictjson"},
	"internal/jwt":                       {"internal/strictjson"},
	"internal/redistest":                 {"internal/testport"},
	"internal/settings":                  {"internal/strictjson"},
}

// forTests are the packages that no program may hold.
var forTests = map[string]bool{
	"internal/cognito/contract":       true,
	"internal/cognito/embedded/model": true,
	"internal/logins/idptest":         true,
	"internal/redistest":              true,
	"internal/saml/samltest":          true,
	"internal/testparallel":           true,
	"internal/testport":               true,
}

// homes are the only packages that may import a library, by import path prefix.
var homes = map[string][]string{
	"github.com/gofiber/":         {"internal/httpapi"},
	"github.com/valyala/fasthttp": {"internal/httpapi"},
	"github.com/redis/go-redis": {
		"internal/cache/fleet/redisconn", "internal/cache/fleet/pipeline", "internal/cache/fleet/fence",
		"internal/cache/fleet/schedule", "internal/cache/fleet/registry", "internal/redistest",
	},
	"github.com/coreos/go-oidc":                {"internal/logins"},
	"github.com/maypok86/otter":                {"internal/cache", "internal/logins", "internal/userpool", "internal/cognito/upstream"},
	"github.com/crewjam/saml":                  {"internal/saml"},
	"github.com/russellhaering/goxmldsig":      {"internal/saml", "internal/saml/samltest"},
	"github.com/beevik/etree":                  {"internal/saml", "internal/saml/samltest"},
	"modernc.org/sqlite":                       {"internal/cognito/embedded/store"},
	"github.com/prometheus/":                   {"internal/telemetry"},
	"github.com/aws/aws-sdk-go-v2/config":      {"internal/cognito/upstream"},
	"github.com/aws/aws-sdk-go-v2/credentials": {},
	"github.com/anishathalye/porcupine":        {},
	"github.com/aws/aws-sdk-go-v2/service/sts": {"internal/sts"},
	"net/http": {"internal/adminclient", "internal/cognito/upstream", "internal/logins", "internal/userpool", "internal/logins/idptest", "internal/telemetry", "internal/httpapi", "internal/awswire"},
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"cmd/...", module+"internal/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// Arrows run down only, and each library has its home.
func TestArrows(t *testing.T) {
	t.Parallel()
	pkgs := list(t)
	if len(pkgs) < len(layers)-1 {
		t.Fatalf("go list found %d packages, want at least %d", len(pkgs), len(layers)-1)
	}
	for _, p := range pkgs {
		name := strings.TrimPrefix(p.ImportPath, module)
		layer, ok := layers[name]
		if !ok {
			t.Errorf("%s has no layer: give it one", name)
			continue
		}
		for _, imported := range p.Imports {
			if own, ok := strings.CutPrefix(imported, module); ok {
				if forTests[own] && !forTests[name] {
					t.Errorf("%s imports %s, which is for tests alone", name, own)
				}
				if layers[own] >= layer && !slices.Contains(beside[name], own) {
					t.Errorf("%s (layer %d) imports %s (layer %d)", name, layer, own, layers[own])
				}
				continue
			}
			for library, at := range homes {
				if strings.HasPrefix(imported, library) && !slices.Contains(at, name) {
					t.Errorf("%s imports %s, whose home is %v", name, imported, at)
				}
			}
		}
	}
}
