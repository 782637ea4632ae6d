package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// makeHelp is what `make help` says of each target.
func makeHelp(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-C", "../..", "help").Output()
	if err != nil {
		t.Fatalf("make help: %v", err)
	}
	said := map[string]string{}
	for line := range strings.Lines(string(out)) {
		target, text, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || !strings.HasPrefix(line, "  ") || utf8.RuneCountInString(line) > 120 {
			t.Errorf("make help: got %q, want a target and what it does, in 120 characters", line)
		}
		said[target] = strings.TrimSpace(text)
	}
	return said
}

// make help lists every target, each with what it does as one would type it.
func TestMakeHelp(t *testing.T) {
	t.Parallel()
	said := makeHelp(t)
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var phony []string
	for _, found := range regexp.MustCompile(`(?m)^\.PHONY: (.+)$`).FindAllStringSubmatch(string(text), -1) {
		phony = append(phony, strings.Fields(found[1])...)
	}
	for _, target := range phony {
		if said[target] == "" || strings.Contains(said[target], "$$") {
			t.Errorf("make help says %q of %s, want what it does", said[target], target)
		}
		if !regexp.MustCompile(`(?m)^` + target + `:`).Match(text) {
			t.Errorf("%s is phony and has no rule", target)
		}
	}
	for target := range said {
		if !slices.Contains(phony, target) {
			t.Errorf("make help lists %s, which is no phony target", target)
		}
	}
	if len(said) < 10 {
		t.Errorf("got %d targets, want all", len(said))
	}
}

// What documents and the hosted CI say to make can be made.
func TestTargetsOfDocuments(t *testing.T) {
	t.Parallel()
	said, texts := makeHelp(t), documents(t)
	workflow, err := os.ReadFile("../../.github/workflows/ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	texts["ci.yml"] = string(workflow)
	named := regexp.MustCompile("(?m)(?:`|^(?:[A-Z_]+=\\S+ )?|: )make ([a-z0-9-]+)(?:`| |$)")
	for name, text := range texts {
		for _, found := range named.FindAllStringSubmatch(text, -1) {
			if said[found[1]] == "" {
				t.Errorf("%s says make %s, which make help does not list", name, found[1])
			}
		}
	}
	// The hosted CI runs the two commands of the README.
	for _, command := range []string{"make run", "make test"} {
		for _, name := range []string{"README.md", "ci.yml"} {
			if !strings.Contains(texts[name], command) {
				t.Errorf("%s does not %s", name, command)
			}
		}
	}
}

// Whatever CONTRIBUTING.md says to open is there.
func TestPathsOfContributing(t *testing.T) {
	t.Parallel()
	text, seen := documents(t)["CONTRIBUTING.md"], 0
	path := regexp.MustCompile("`((?:cmd|configs|deploy|docs|e2e|internal|scripts|\\.github)/[\\w./-]*|\\.\\w+\\.ya?ml)`")
	for _, found := range path.FindAllStringSubmatch(text, -1) {
		seen++
		if _, err := os.Stat("../../" + found[1]); err != nil {
			t.Errorf("CONTRIBUTING.md sends its readers to %s, which is not there", found[1])
		}
	}
	if seen < 30 {
		t.Errorf("got %d paths, want those of CONTRIBUTING.md", seen)
	}
}
