package main

import (
	"maps"
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

// documents reads the documents at the root, and docs, by their paths from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	atRoot, err := filepath.Glob("../../*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range append(names, atRoot...) {
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

// sources reads the module's Go files by their paths from the root, with the lines of
// each comment joined.
func sources(t *testing.T) map[string]string {
	t.Helper()
	texts, joint := map[string]string{}, regexp.MustCompile(`\n\s*// ?`)
	for _, dir := range []string{"cmd", "e2e", "examples", "internal", "scripts"} {
		err := filepath.WalkDir("../../"+dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			text, err := os.ReadFile(path)
			texts[strings.TrimPrefix(filepath.ToSlash(path), "../../")] = joint.ReplaceAllString(string(text), " ")
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return texts
}

// Each document that the code cites is there, and has the sections that are cited:
// docs/<file>.md#<section>, with more sections of it after a comma, "and" or "to".
func TestSectionsOfComments(t *testing.T) {
	t.Parallel()
	cited := regexp.MustCompile(`docs/[\w-]+\.md((?:(?:, | and |, and | to )?#[\w-]+)*)`)
	section, texts, seen := regexp.MustCompile(`#[\w-]+`), documents(t), 0
	for name, text := range sources(t) {
		for _, c := range cited.FindAllStringSubmatch(text, -1) {
			document := strings.TrimSuffix(c[0], c[1])
			if texts[document] == "" {
				t.Errorf("%s cites %s, which is not there", name, document)
			}
			for _, s := range section.FindAllString(c[1], -1) {
				if seen++; !anchors(texts[document])[s[1:]] {
					t.Errorf("%s cites %s%s, which has no such section", name, document, s)
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("got %d sections, want those that comments cite", seen)
	}
}

// Nobody is sent to papers that the repository does not have.
func TestNothingForeignIsCited(t *testing.T) {
	t.Parallel()
	foreign := regexp.MustCompile(`(?i)\breference,? (?:section )?\d|\brules? \d+ of\b|\bof the desi[g]n\b`)
	texts := sources(t)
	maps.Copy(texts, documents(t))
	for name, text := range texts {
		if found := foreign.FindString(text); found != "" {
			t.Errorf("%s cites %q", name, found)
		}
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
	text := strings.Join(strings.Fields(documents(t)["docs/fidelity.md"]), " ")
	for code, operations := range contract.Causeless {
		_, row, _ := strings.Cut(text, " - `"+code+"` - of: `")
		named, _, _ := strings.Cut(row, "` - why:")
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
