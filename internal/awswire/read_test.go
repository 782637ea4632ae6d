package awswire_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Which x-amz-* headers and parameters the code speaks of: those that have to be
// signed, X-Amz-User-Agent, which chooses how much life cached credentials must have
// left, and the parameters of presigned addresses. A new one must be signed where it
// stands (see sigv4's meaningful), or be harmless in anybody's hand.
func TestNoOtherAmzHeaderMeansAnything(t *testing.T) {
	allowed := []string{
		"x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-amz-target", // signed
		"x-amz-user-agent",                                                                               // harmless
		"x-amz-algorithm", "x-amz-credential", "x-amz-expires", "x-amz-signature", "x-amz-signedheaders", // parameters
	}
	found := map[string]string{}
	for _, folder := range []string{".", "sigv4", "../httpapi", "../flows"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: got %d files, %v", folder, len(files), err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
					value, _ := strconv.Unquote(text.Value)
					if value = strings.ToLower(value); strings.HasPrefix(value, "x-amz-") && !strings.Contains(value, " ") {
						found[value] = name
					}
				}
				return true
			})
		}
	}
	for value, name := range found {
		if !slices.Contains(allowed, value) {
			t.Errorf("%s reads %s: is it signed?", name, value)
		}
	}
	for _, value := range allowed[:5] {
		if found[value] == "" {
			t.Errorf("%s was not met in %v: the search misses something", value, slices.Sorted(maps.Keys(found)))
		}
	}
}
