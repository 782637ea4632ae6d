package config_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/config"
)

// mappings collects every mapping of a document with its path.
func mappings(n *yaml.Node, path string, into map[string]*yaml.Node) {
	if n.Kind == yaml.MappingNode {
		into[path] = n
	}
	for i, child := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			mappings(child, path+"["+string(rune('0'+i))+"]", into)
		case n.Kind == yaml.MappingNode && i%2 == 1:
			mappings(child, strings.TrimPrefix(path+"."+n.Content[i-1].Value, "."), into)
		}
	}
}

func TestUnknownKeysAnywhereAreRefused(t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var doc yaml.Node
		text := strings.Replace(contract, "\nroles:", "\nroles: [{arn: 'arn:aws:iam::123456789012:role/r'}]", 1)
		if err := yaml.Load([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		all := make(map[string]*yaml.Node)
		mappings(doc.Content[0], "", all)
		if len(all) < 18 {
			t.Fatalf("got %d mappings, want all of the contract's", len(all))
		}
		paths := make([]string, 0, len(all))
		for path := range all {
			paths = append(paths, path)
		}
		slices.Sort(paths) // one order, so that a seed repeats its run
		path := rapid.SampledFrom(paths).Draw(t, "path")
		key := "x_" + rapid.StringMatching(`[a-z_]{0,12}`).Draw(t, "key")
		m := all[path]
		value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null",
			Value: rapid.SampledFrom([]string{"", "~", "null"}).Draw(t, "value")}
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
		data, err := yaml.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		_, err = config.LoadBytes(folder, data, contractEnv())
		var e *config.Error
		if want := strings.TrimPrefix(path+"."+key, "."); !errors.As(err, &e) || e.Path != want ||
			!strings.Contains(e.Message, "unknown key") {
			t.Fatalf("unknown key: got error %v, want one at %s", err, want)
		}
	})
}

// Whatever the contract does not ask for can be left out.
func TestDefaultsCoverOptionalKeys(t *testing.T) {
	required := map[string]bool{
		"login_providers[0].provider": true, "login_providers[0].issuer": true, "login_providers[0].client_ids": true,
		"callers[0].name": true, "callers[0].scopes": true, "callers[0].pools": true,
		"callers[0].access_key_id": true, "callers[0].secret_access_key": true, // each needs the other
		"pools[0].id": true, "pools[0].name": true,
		"cache.clients[0].user_agent": true, "cache.clients[1].user_agent": true,
		"login_providers": true, // the pool names one
		// mode's default is production, which refuses the rest of the example.
		"mode": true,
	}
	var doc yaml.Node
	if err := yaml.Load([]byte(contract), &doc); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]*yaml.Node)
	mappings(doc.Content[0], "", all)
	for path, m := range all {
		whole := m.Content
		for i := 0; i < len(whole); i += 2 {
			key := strings.TrimPrefix(path+"."+whole[i].Value, ".")
			m.Content = append(append([]*yaml.Node{}, whole[:i]...), whole[i+2:]...)
			data, err := yaml.Marshal(&doc)
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.LoadBytes(t.TempDir(), data, contractEnv())
			if refused := err != nil; refused != required[key] {
				t.Errorf("without %s: got error %v, want refused %v", key, err, required[key])
			}
		}
		m.Content = whole
	}
}
