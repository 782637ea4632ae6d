package trust

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
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

// node is a JSON value with the line that it begins on. The decoder of Go keeps
// neither lines nor the order of members.
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

// readTree reads one JSON value. Members stand once.
func readTree(text string) (*node, error) {
	if !utf8.ValidString(text) {
		return nil, &Error{Line: 1, Message: "the policy is not UTF-8"}
	}
	t := &treeReader{text: text, decoder: json.NewDecoder(strings.NewReader(text))}
	root, err := t.value()
	if err == nil {
		if _, rest := t.decoder.Token(); !errors.Is(rest, io.EOF) {
			err = &Error{Line: t.line(), Message: "something follows the policy"}
		}
	}
	if err != nil {
		return nil, err
	}
	return root, nil
}

type treeReader struct {
	text    string
	decoder *json.Decoder
}

// line is the one that the last token ended on; policies break no line within a
// token.
func (t *treeReader) line() int {
	return 1 + strings.Count(t.text[:t.decoder.InputOffset()], "\n")
}

func (t *treeReader) token() (json.Token, error) {
	token, err := t.decoder.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, &Error{Line: t.line(), Message: fmt.Sprintf("the policy is not JSON: %v", err)}
	}
	return token, nil
}

func (t *treeReader) value() (*node, error) {
	token, err := t.token()
	if err != nil {
		return nil, err
	}
	n := &node{line: t.line()}
	switch v := token.(type) {
	case string:
		n.kind, n.value = kindText, v
	case bool:
		n.kind, n.value = kindBool, fmt.Sprint(v)
	case json.Delim:
		if v == '[' {
			n.kind = kindList
			return n, t.elements(n)
		}
		n.kind = kindObject
		return n, t.fields(n)
	default:
		n.kind = kindOther
	}
	return n, nil
}

func (t *treeReader) elements(n *node) error {
	for t.decoder.More() {
		element, err := t.value()
		if err != nil {
			return err
		}
		n.list = append(n.list, element)
	}
	_, err := t.token()
	return err
}

func (t *treeReader) fields(n *node) error {
	for t.decoder.More() {
		token, err := t.token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder takes nothing else here
		for _, m := range n.members {
			if m.name == name {
				return &Error{Line: t.line(), Message: fmt.Sprintf("%q stands twice", name)}
			}
		}
		value, err := t.value()
		if err != nil {
			return err
		}
		n.members = append(n.members, member{name, value})
	}
	_, err := t.token()
	return err
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
