package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxLine is the longest line of code and documents, in characters.
const maxLine = 120

// longLines are documents and folders of Go files that still have longer lines. Whoever has
// broken those of one takes it out. Folders end in /tests where their tests alone have some,
// in /... with all below.
var longLines = []string{
	"README.md", "cmd/broker/tests", "docs/fence.md", "e2e/README.md", "e2e/zitadel/tests", "internal/awswire/tests",
	"internal/awswire/sigv4/tests", "internal/cache/...", "internal/cognito/embedded/tests",
	"internal/cognito/embedded/store/tests", "internal/cognito/embedded/transfer/tests",
	"internal/cognito/upstream/tests", "internal/config/tests", "internal/httpapi/tests", "internal/redistest/tests",
	"internal/strictjson/tests", "internal/sts/tests", "internal/sts/trust/tests", "internal/telemetry/tests",
}

// shown are the lines of a text, less the blocks of code of a document: some of what stands
// there is one line by its own rules.
func shown(name, text string) []string {
	lines := strings.Split(text, "\n")
	if filepath.Ext(name) != ".md" {
		return lines
	}
	fenced := false
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		if fenced || strings.HasPrefix(line, "    ") {
			lines[i] = ""
		}
	}
	return lines
}

// mayBeLong reports whether a file is, or stands in, one of longLines. A folder's tests are
// apart from its other files.
func mayBeLong(name string) bool {
	dir := filepath.ToSlash(filepath.Dir(name))
	if strings.HasSuffix(name, "_test.go") {
		dir += "/tests"
	}
	return slices.ContainsFunc(longLines, func(long string) bool {
		below, all := strings.CutSuffix(long, "...")
		return long == name || long == dir || all && strings.HasPrefix(dir+"/", below)
	})
}

// No line is longer than 120 characters.
func TestLinesAreShort(t *testing.T) {
	t.Parallel()
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && (d.Name() == "node_modules" || len(d.Name()) > 2 && d.Name()[0] == '.') {
				return filepath.SkipDir
			}
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		if ext := filepath.Ext(name); ext != ".go" && ext != ".md" || mayBeLong(name) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		for i, line := range shown(name, string(text)) {
			if n := utf8.RuneCountInString(line); n > maxLine {
				t.Errorf("%s:%d: got %d characters, want at most %d", name, i+1, n, maxLine)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Errorf("got %d files, want those of the repository", seen)
	}
}
