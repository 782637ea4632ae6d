package trust

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// kind is what a JSON value is; its text is for messages.
type kind string

const (
	kindText   kind = "text"
	kindBool   kind = "a truth value"
	kindList   kind = "a list"
	kindObject kind = "an object"
	kindOther  kind = "a number or null"
)

// node is a JSON value with the line that it begins on.
type node struct {
	line    int
	kind    kind
	value   string // of a text; of a truth value, as it is written
	list    []*node
	members []member
}

type member struct {
	name string
	node *node
}

// limits bound a policy; the deepest that means anything has seven levels.
var limits = strictjson.Limits{Bytes: maxPolicy, Depth: 16, Values: maxPolicy}

// readTree reads one JSON value. Members stand once.
func readTree(text string) (*node, error) {
	root, err := strictjson.Tree([]byte(text), limits)
	if err != nil {
		return nil, refusal(text, err)
	}
	return placed(text, root), nil
}

// lineOf is the line of an offset in a policy.
func lineOf(text string, at int) int { return 1 + strings.Count(text[:at], "\n") }

// refusal says where a text is no JSON that decides.
func refusal(text string, err error) error {
	at, name := 0, ""
	if e, ok := errors.AsType[*strictjson.Error](err); ok {
		at, name = e.At, e.Member
	}
	e := &Error{Line: lineOf(text, at)}
	switch {
	case errors.Is(err, strictjson.ErrDuplicate):
		e.Message = fmt.Sprintf("%q stands twice", name)
	case errors.Is(err, strictjson.ErrTrailing):
		e.Message = "something follows the policy"
	case errors.Is(err, strictjson.ErrUnicode):
		e.Message = "the policy is not Unicode text"
	case errors.Is(err, strictjson.ErrDepth):
		e.Message = "the policy is nested too deeply"
	case at >= len(text):
		e.Message = "the policy is not JSON: it ends too early"
	default:
		e.Message = fmt.Sprintf("the policy is not JSON at byte %d of the line", at-strings.LastIndexByte(text[:at], '\n'))
	}
	return e
}

// placed is a node with its line in the text.
func placed(text string, from *strictjson.Node) *node {
	n := &node{line: lineOf(text, from.At)}
	switch from.Kind {
	case strictjson.Text:
		n.kind, n.value = kindText, from.Text
	case strictjson.Bool:
		n.kind, n.value = kindBool, from.Text
	case strictjson.List:
		n.kind = kindList
		for _, one := range from.List {
			n.list = append(n.list, placed(text, one))
		}
	case strictjson.Members:
		n.kind = kindObject
		for _, m := range from.Members {
			n.members = append(n.members, member{m.Name, placed(text, m.Node)})
		}
	default:
		n.kind = kindOther
	}
	return n
}

// each hands the members of an object to their readers; there may be no others.
func (n *node) each(what string, readers map[string]func(n *node) error) error {
	if n.kind != kindObject {
		return wrong(n, "%s is %s; expected an object", what, n.kind)
	}
	for _, m := range n.members {
		read, known := readers[m.name]
		if !known {
			return wrong(m.node, "%q is not known in %s", m.name, what)
		}
		if err := read(m.node); err != nil {
			return err
		}
	}
	return nil
}

// items are the elements of a list; what is no list is its only element.
func (n *node) items() []*node {
	if n.kind == kindList {
		return n.list
	}
	return []*node{n}
}

func (n *node) text(what string) (string, error) {
	if n.kind != kindText {
		return "", wrong(n, "%s is %s; expected text", what, n.kind)
	}
	return n.value, nil
}

// texts are one text or a list of at least one. IAM takes truth values for their
// text.
func (n *node) texts(what string) ([]string, error) {
	var list []string
	for _, item := range n.items() {
		if item.kind != kindText && item.kind != kindBool {
			return nil, wrong(item, "%s holds %s; expected text", what, item.kind)
		}
		list = append(list, item.value)
	}
	if len(list) == 0 {
		return nil, wrong(n, "%s has no values", what)
	}
	return list, nil
}
