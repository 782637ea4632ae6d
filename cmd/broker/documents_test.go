package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito/contract"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	notInAnchor  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// documents reads README.md and docs by their paths from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range append(names, "../../README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimPrefix(filepath.ToSlash(name), "../../")] = string(text)
	}
	return texts
}

// anchors are the names of a document's headings, as its readers make them.
func anchors(text string) map[string]bool {
	names, code := map[string]bool{}, false
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		}
		if title := strings.TrimLeft(line, "#"); !code && title != line {
			name := notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			names[strings.ReplaceAll(name, " ", "-")] = true
		}
	}
	return names
}

// Every link between the documents leads to a file that is there, and to a heading
// that it has.
func TestLinksOfDocuments(t *testing.T) {
	t.Parallel()
	texts, count := documents(t), 0
	for from, text := range texts {
		for _, link := range markdownLink.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			count++
			to := from
			if target != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(from), target))
			}
			if _, err := os.Stat("../../" + to); err != nil {
				t.Errorf("%s: the link %s leads nowhere", from, link[1])
			} else if anchor != "" && !anchors(texts[to])[anchor] {
				t.Errorf("%s: the link %s leads to no heading", from, link[1])
			}
		}
	}
	if count < 10 {
		t.Errorf("got %d links, want those of README.md at least", count)
	}
}

// What is printed to be run names commands that the broker has.
func TestCommandsOfDocuments(t *testing.T) {
	t.Parallel()
	command := regexp.MustCompile(`(?m)(?:bin/|^\s*|\$\(|\( )broker ([a-z]+(?: (?:new|rotate))?)`)
	seen := 0
	for name, text := range documents(t) {
		for i, block := range strings.Split(text, "```") {
			if i%2 == 0 || !strings.HasPrefix(block, "sh\n") {
				continue
			}
			for _, found := range command.FindAllStringSubmatch(block, -1) {
				seen++
				if !strings.Contains(usage, "\n  "+found[1]+" ") {
					t.Errorf("%s: broker %s is no command", name, found[1])
				}
			}
		}
	}
	if seen < 5 {
		t.Errorf("got %d commands, want those of the documents", seen)
	}
}

// docs/fidelity.md names the errors that have no cause, each with its operations.
func TestErrorsOfFidelity(t *testing.T) {
	t.Parallel()
	text := documents(t)["docs/fidelity.md"]
	for code, operations := range contract.Causeless {
		_, row, _ := strings.Cut(text, "\n| `"+code+"` | `")
		named, _, _ := strings.Cut(row, "` |")
		if want := strings.Join(operations, "`, `"); named != want {
			t.Errorf("%s: got %q, want %q", code, named, want)
		}
	}
}

// Each test that a document names as the one that holds a promise is there.
func TestTestsOfDocuments(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, dir := range []string{"../../internal", "../../cmd", "../../e2e"} {
		err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, found := range declared.FindAllSubmatch(text, -1) {
				there[string(found[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	named, seen := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`"), 0
	for name, text := range documents(t) {
		for _, found := range named.FindAllStringSubmatch(text, -1) {
			if seen++; !there[found[1]] {
				t.Errorf("%s names %s, which is no test", name, found[1])
			}
		}
	}
	if seen < 100 {
		t.Errorf("got %d names of tests, want those of the documents", seen)
	}
}
