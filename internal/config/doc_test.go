package config_test

import (
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/config"
)

// paths lists the path of every key of a type, in the documentation's notation.
func paths(t reflect.Type, path string) []string {
	if t.PkgPath() == "time" || t == reflect.TypeFor[config.Secret]() || t == reflect.TypeFor[config.Key]() ||
		t == reflect.TypeFor[[]config.Key]() || t == reflect.TypeFor[[]config.Secret]() ||
		t == reflect.TypeFor[[]netip.Prefix]() {
		return []string{path}
	}
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return paths(t.Elem(), path+"[]")
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct:
		return paths(t.Elem(), path+".*")
	case t.Kind() == reflect.Struct:
		var list []string
		for i := range t.NumField() {
			f := t.Field(i)
			list = append(list, paths(f.Type, strings.TrimPrefix(path+"."+f.Tag.Get("yaml"), "."))...)
		}
		return list
	}
	return []string{path}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	data, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	all := paths(reflect.TypeFor[config.Config](), "")
	if len(all) < 60 {
		t.Errorf("got %d keys, want all of the contract's", len(all))
	}
	rows, entry := make(map[string]bool), regexp.MustCompile("^- `([^`]+)` \\(")
	for line := range strings.SplitSeq(string(data), "\n") {
		// An entry is a key, and in brackets what it takes.
		if found := entry.FindStringSubmatch(line); found != nil {
			rows[found[1]] = true
		}
	}
	known := map[string]bool{"cache.clients": true} // a list with a default of its own
	for _, path := range all {
		known[path] = true
		if !rows[path] {
			t.Errorf("docs/configuration.md has no row for %s", path)
		}
	}
	for row := range rows {
		if !known[row] {
			t.Errorf("docs/configuration.md has a row for %s, which is no key", row)
		}
	}
}
