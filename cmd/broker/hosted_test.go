package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// parsed reads a YAML file of the repository.
func parsed[T any](t *testing.T, name string) (text string, v T) {
	t.Helper()
	data, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(data), v
}

// workflow is what a hosted CI is told, as far as it is looked at here.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Timeout     int `yaml:"timeout-minutes"`
		Permissions map[string]string
		Steps       []struct{ Uses, Run string }
	}
}

// Workflows run other people's actions at one commit alone, read the repository and no more, and end in time.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(names) == 0 {
		t.Fatalf("got %v, %v, want workflows", names, err)
	}
	pinned := regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40}$`)
	for _, name := range names {
		name = strings.TrimPrefix(filepath.ToSlash(name), "../../")
		_, w := parsed[workflow](t, name)
		if w.Permissions == nil || len(w.Permissions) > 0 {
			t.Errorf("%s: got permissions %v, want none: {}", name, w.Permissions)
		}
		for job, j := range w.Jobs {
			if j.Timeout == 0 || len(j.Permissions) != 1 || j.Permissions["contents"] != "read" {
				t.Errorf("%s, %s: got %d minutes and %v, want a limit, and contents: read", name, job, j.Timeout, j.Permissions)
			}
			for _, step := range j.Steps {
				if step.Uses != "" && !pinned.MatchString(step.Uses) {
					t.Errorf("%s, %s: uses %s, which is not pinned to a commit", name, job, step.Uses)
				}
			}
		}
	}
}

// Dependabot looks where there is something to be updated.
func TestDependabot(t *testing.T) {
	t.Parallel()
	_, d := parsed[struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
		}
	}](t, ".github/dependabot.yml")
	manifest := map[string]string{
		"gomod": "go.mod", "npm": "package.json", "pip": "requirements.txt", "docker": "Dockerfile",
		"docker-compose": "docker-compose.yml", "github-actions": ".github/workflows",
	}
	seen := map[string]bool{}
	for _, u := range d.Updates {
		seen[u.Ecosystem] = true
		for _, directory := range append(u.Directories, u.Directory) {
			if _, err := os.Stat("../.." + directory + "/" + manifest[u.Ecosystem]); directory != "" && err != nil {
				t.Errorf("%s in %s: %v", u.Ecosystem, directory, err)
			}
		}
	}
	for _, ecosystem := range []string{"gomod", "npm", "github-actions", "docker"} {
		if !seen[ecosystem] {
			t.Errorf("nothing is said of %s", ecosystem)
		}
	}
}

// A release has binaries for the four systems that are named, with checksums, and its version is what Go stamps: no
// flag of the linker may set another, and nothing may make the work tree dirty.
func TestRelease(t *testing.T) {
	t.Parallel()
	_, r := parsed[struct {
		Version int
		Builds  []struct {
			Main         string
			Env, Flags   []string
			Ldflags      []string
			Goos, Goarch []string
		}
		Checksum struct{ Algorithm string }
	}](t, ".goreleaser.yaml")
	if r.Version != 2 || len(r.Builds) != 1 || r.Checksum.Algorithm != "sha256" {
		t.Fatalf("got %+v, want one build, with checksums", r)
	}
	b := r.Builds[0]
	got := strings.Join(append(append(append(b.Goos, b.Goarch...), b.Flags...), b.Ldflags...), " ")
	if want := "linux darwin amd64 arm64 -trimpath -buildvcs=true -s -w"; got != want || b.Main != "./cmd/broker" {
		t.Errorf("got %s of %s, want %s", got, b.Main, want)
	}
	if ignored, err := os.ReadFile("../../.gitignore"); err != nil || !strings.Contains(string(ignored), "\n/dist/\n") {
		t.Errorf("git does not ignore what a release is made in: %v", err)
	}
}
