package trust

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error refuses a policy. It names the statement, by its number from 1, where it is
// in one, and quotes the policy.
type Error struct {
	Line    int // from 1
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

func wrong(n *node, format string, args ...any) error {
	return &Error{Line: n.line, Message: fmt.Sprintf(format, args...)}
}

// Parse reads a policy, at most 4096 bytes of JSON. It fails with *Error.
func Parse(text string) (*Policy, error) {
	if len(text) > maxPolicy {
		message := fmt.Sprintf("the policy has %d bytes; expected at most %d", len(text), maxPolicy)
		return nil, &Error{Line: 1, Message: message}
	}
	root, err := readTree(text)
	if err != nil {
		return nil, err
	}
	p := &Policy{}
	err = root.each("a policy", map[string]func(n *node) error{
		"Version":   version,
		"Id":        func(n *node) error { _, err := n.text("Id"); return err },
		"Statement": func(n *node) error { return p.readStatements(n) },
	})
	if err == nil && len(p.statements) == 0 {
		err = wrong(root, "the policy has no Statement")
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func version(n *node) error {
	text, err := n.text("Version")
	if err == nil && text != "2012-10-17" && text != "2008-10-17" {
		err = wrong(n, "Version is %q; expected \"2012-10-17\"", text)
	}
	return err
}

func (p *Policy) readStatements(n *node) error {
	for number, item := range n.items() {
		s := statement{line: item.line}
		err := s.read(item)
		sameSid := func(other statement) bool { return other.sid == s.sid }
		if err == nil && s.sid != "" && slices.ContainsFunc(p.statements, sameSid) {
			err = wrong(item, "the Sid %q stands twice", s.sid)
		}
		if err != nil {
			return within(number+1, err)
		}
		p.statements = append(p.statements, s)
	}
	return nil
}

// within says which statement a refusal is of.
func within(number int, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Line: e.Line, Message: fmt.Sprintf("statement %d: %s", number, e.Message)}
	}
	return fmt.Errorf("statement %d: %w", number, err)
}

func (s *statement) read(n *node) error {
	effect, principal := "", false
	err := n.each("a statement", map[string]func(n *node) error{
		"Sid": func(n *node) (err error) { s.sid, err = n.text("Sid"); return err },
		"Effect": func(n *node) (err error) {
			effect, err = n.text("Effect")
			if err == nil && effect != "Allow" && effect != "Deny" {
				err = wrong(n, "Effect is %q; expected Allow or Deny", effect)
			}
			return err
		},
		"Principal": func(n *node) error {
			principal = n.kind != kindObject || len(n.members) > 0
			return s.readPrincipal(n)
		},
		"Action":    func(n *node) error { return s.readActions(n) },
		"Condition": func(n *node) error { return s.readConditions(n) },
	})
	if s.deny = effect == "Deny"; s.deny && s.allOfAWS {
		s.principals = append(s.principals, "*")
	}
	switch {
	case err != nil:
		return err
	case effect == "":
		return wrong(n, "it has no Effect")
	case !principal:
		return wrong(n, "it has no Principal")
	case s.actions == nil:
		return wrong(n, "it has no Action")
	}
	return nil
}

// readActions takes actions of any service: whoever may assume the role otherwise
// than by a web identity stands in the same policy.
func (s *statement) readActions(n *node) (err error) {
	s.actions, err = n.texts("Action")
	for _, a := range s.actions {
		if a != "*" && !strings.Contains(a, ":") {
			return wrong(n, "Action is %q; expected \"*\" or one with its service, as %q", a, actionTag)
		}
	}
	return err
}

// readPrincipal takes federated principals. Those of other kinds are let stand:
// they are never a web identity. All of AWS is kept apart: IAM holds {"AWS": "*"}
// for the same as "*", which a Deny must not fall short of.
func (s *statement) readPrincipal(n *node) (err error) {
	if n.kind == kindText {
		if n.value != "*" {
			return wrong(n, "Principal is %q; expected \"*\" or {\"Federated\": …}", n.value)
		}
		s.principals = []string{"*"}
		return nil
	}
	other := func(n *node) error { _, err := n.texts("Principal"); return err }
	return n.each("a Principal", map[string]func(n *node) error{
		"Federated": func(n *node) error { s.principals, err = n.texts("Principal"); return err },
		"AWS": func(n *node) error {
			all, err := n.texts("Principal")
			s.allOfAWS = slices.Contains(all, "*")
			return err
		},
		"Service": other, "CanonicalUser": other,
	})
}

func (s *statement) readConditions(n *node) error {
	if n.kind != kindObject {
		return wrong(n, "Condition is %s; expected an object", n.kind)
	}
	for _, operator := range n.members {
		if operator.node.kind != kindObject {
			return wrong(operator.node, "%s is %s; expected an object", operator.name, operator.node.kind)
		}
		if len(operator.node.members) == 0 {
			return wrong(operator.node, "%s has no keys", operator.name)
		}
		for n, key := range operator.node.members {
			c, err := readCondition(operator.name, key)
			if err != nil {
				return err
			}
			sameName := func(m member) bool { return strings.EqualFold(m.name, key.name) }
			if slices.ContainsFunc(operator.node.members[:n], sameName) {
				return wrong(key.node, "%q of %s stands twice; keys are case-insensitive", key.name, operator.name)
			}
			s.conditions = append(s.conditions, *c)
		}
	}
	return nil
}

func readCondition(operator string, m member) (*condition, error) {
	c := &condition{line: m.node.line, key: m.name}
	if !c.readOperator(operator) {
		return nil, wrong(m.node,
			"the operator %q is not known; expected StringEquals, StringLike or another of strings, or Null", operator)
	}
	var multi, ok bool
	if c.read, multi, ok = keyOf(m.name); !ok {
		return nil, wrong(m.node, "the condition key %q is not known; expected %saud, amr or sub,"+
			" aws:RequestTag/…, aws:TagKeys or sts:RoleSessionName", m.name, keyPrefix)
	}
	// IAM documents that such keys need a set operator, and not what becomes of
	// them without one: to take either would guess at a permission.
	if multi && c.quantifier == single && !c.null {
		return nil, wrong(m.node,
			"%s holds several values; expected ForAnyValue:%s or ForAllValues:%s", m.name, operator, operator)
	}
	values, err := m.node.texts(m.name)
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		if strings.Contains(v, "${") {
			return nil, wrong(m.node, "%s has a policy variable; none is known here", m.name)
		}
		if c.null && v != "true" && v != "false" {
			return nil, wrong(m.node, "%s of Null is %q; expected true or false", m.name, v)
		}
	}
	c.values = slices.Clone(values)
	return c, nil
}
