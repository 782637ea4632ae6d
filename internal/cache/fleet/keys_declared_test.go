package fleet_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Scripts touch no key that is not declared, and ask the server nothing about itself, which
// some hosts of Redis refuse: each command's keys are of KEYS, and no name
// is made within a script. Redis demands it, and clusters and proxies rely on it.
func TestScriptsDeclareTheirKeys(t *testing.T) {
	files, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`redis\.call\(([^()]*(?:\([^()]*\)[^()]*)*)\)`)
	key := regexp.MustCompile(`^KEYS\[(\d+|\d+ \+ i)\]$`)
	keyless := map[string]bool{"'TIME'": true, "'PUBLISH'": true}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range command.FindAllSubmatch(text, -1) {
			args := strings.Split(string(match[1]), ",")
			if found++; keyless[args[0]] || len(args) > 1 && key.MatchString(strings.TrimSpace(args[1])) {
				continue
			}
			t.Errorf("%s: got %s, want its key declared", file, match[0])
		}
		if strings.Contains(string(text), "KEYS[1] ..") || strings.Contains(string(text), "string.sub(KEYS") {
			t.Errorf("%s: got a name made of a key, want all keys declared", file)
		}
	}
	if found < 60 {
		t.Errorf("got %d commands in scripts, want to see them all", found)
	}
}
