package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each of these terms is in the glossary, and the word that it replaced is not in the code: one word is one thing.
func TestGlossary(t *testing.T) {
	t.Parallel()
	terms := map[string]string{
		"reign": "Replication id", "belief": "Confirmed master lease", "lane": "Pipeline", "patience": "Shared deadline",
		"glimpse": "entry view", "spot": "Entry ref", "stake": "Fence scopes", "debt": "Pending fences",
		"doubt": "Pool change", "adopt": "Promote", "hoard": "leak test", "crew": "Fleet",
	}
	glossary, err := os.ReadFile("../../docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for word, term := range terms {
		words = append(words, word)
		if !strings.Contains(string(glossary), "**"+term+"**") {
			t.Errorf("got no term %q in the glossary, want it in place of %q", term, word)
		}
	}
	old := regexp.MustCompile(`(?i)\b(` + strings.Join(words, "|") + `)s?\b`)
	seen := 0
	for _, dir := range []string{"../../internal/flows", "../../internal/cache"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			seen++
			for i, line := range strings.Split(string(text), "\n") {
				if word := old.FindString(line); word != "" {
					t.Errorf("%s:%d: got %q, want %q", path, i+1, word, terms[strings.TrimSuffix(strings.ToLower(word), "s")])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 50 {
		t.Errorf("got %d files, want those of both packages", seen)
	}
}
