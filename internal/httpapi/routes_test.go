package httpapi

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
)

// docWidth bounds the lines of the described routes.
const docWidth = 118

// described is a route as docs/rest.md lists it.
func described(r Route) string {
	who := "apps"
	switch {
	case r.Scope != "":
		who = "scope `" + string(r.Scope) + "`"
	case r.Operation != "":
		who = "callers of `" + r.Operation + "`"
	}
	path := strings.NewReplacer(":pool", "{poolId}", ":identity", "{identityId}", ":provider", "{provider}").Replace(r.Path)
	lines := []string{fmt.Sprintf("- `%s %s`: for %s", r.Method, path, who)}
	lines = append(lines, wrapped("takes", r.Members)...)
	if answer := fmt.Sprintf("answers %d", r.Status); r.Answer == nil {
		lines = append(lines, "  - "+answer)
	} else {
		lines = append(lines, wrapped(answer, answerNames(r.Answer))...)
	}
	if len(r.Errors) > 0 {
		lines = append(lines, wrapped("refuses with", r.Errors)...)
	}
	return strings.Join(lines, "\n") + "\n"
}

// answerNames are REST's names of the members of an answer.
func answerNames(t reflect.Type) []string {
	switch {
	case t == nil:
		return nil
	case t.PkgPath() == reflect.TypeFor[cognitoidentity.GetIdOutput]().PkgPath():
		return namesOf(t)
	}
	return fieldsOf(t).names
}

// wrapped is an item of a list in lines.
func wrapped(what string, names []string) []string {
	lines := []string{"  - " + what}
	if len(names) == 0 {
		lines[0] += " nothing"
	}
	for n, name := range names {
		word := " `" + name + "`"
		if n < len(names)-1 {
			word += ","
		}
		if last := len(lines) - 1; len(lines[last])+len(word) <= docWidth {
			lines[last] += word
		} else {
			lines = append(lines, "   "+word)
		}
	}
	return lines
}

// docs/rest.md lists every route of the table, with its callers, input, answer and errors.
func TestDocsDescribeEveryRoute(t *testing.T) {
	s := newTestServer(t)
	page, err := os.ReadFile("../../docs/rest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Every route\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var want bytes.Buffer
	for _, r := range s.Routes() {
		want.WriteString(described(r))
	}
	if _, got, _ := strings.Cut(section, "\n- "); "- "+strings.TrimSpace(got) != strings.TrimSpace(want.String()) {
		t.Errorf("the section \"Every route\" is not the table of routes, which is:\n%s", want.String())
	}
}

// The table says of each route all that a description needs, and of each refusal the docs
// say the status.
func TestRoutesAreDescribed(t *testing.T) {
	s := newTestServer(t)
	page, err := os.ReadFile("../../docs/rest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n## Errors\n")
	for _, r := range s.Routes() {
		what := r.Method + " " + r.Path
		forCallers := r.Operation != "" || r.Scope != ""
		if r.Input == nil || (r.Answer == nil) != (r.Status == 204) || r.ForCallers != forCallers {
			t.Errorf("%s: got input %v, answer %v, status %d, operation %q, scope %q",
				what, r.Input, r.Answer, r.Status, r.Operation, r.Scope)
		}
		for _, name := range r.Members {
			if name == "" || name[0] < 'a' || name[0] > 'z' {
				t.Errorf("%s: got the member %q", what, name)
			}
		}
		if !slices.IsSorted(r.Errors) {
			t.Errorf("%s: got errors %v, want them in order", what, r.Errors)
		}
		for _, code := range r.Errors {
			if statusOf(code) == 500 || !strings.Contains(table, "`"+code+"`") {
				t.Errorf("%s: %s has no status, or is not in the docs", what, code)
			}
		}
	}
	if statusOf(cognito.CodeInternal) != 500 {
		t.Error("500 is not the status of what is not known")
	}
}

// Handlers take structures: neither an input nor an answer of a route is a map.
func TestRoutesHaveStructures(t *testing.T) {
	s := newTestServer(t)
	for _, r := range s.Routes() {
		for _, of := range []reflect.Type{r.Input, r.Answer} {
			if of != nil && of.Kind() != reflect.Struct {
				t.Errorf("%s %s: got %v, want a structure", r.Method, r.Path, of)
			}
		}
	}
}
