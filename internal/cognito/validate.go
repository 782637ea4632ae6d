package cognito

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

// maxFindings bounds the broken constraints that one message lists, and the
// work spent on an input that breaks many.
const maxFindings = 20

// Validate checks the decoded input of an operation against the service's
// model. The tree holds string, json.Number, bool, map[string]any and []any;
// nil stands for an absent member. Members that the model does not know are
// ignored, for SDKs may be newer than this broker.
//
// It fails with ValidationException in the service's words where a constraint
// is broken, with SerializationException where a member has another JSON type
// than the model says, and with UnknownOperationException for an operation
// without constraints here. Messages repeat neither a sensitive value nor more
// than the beginning of any other; they may name an identity and so are for the
// caller only, not for logs.
//
// Lengths count Unicode characters.
func Validate(operation string, input map[string]any) error {
	s, ok := inputs[operation]
	if !ok {
		return &smithy.GenericAPIError{Code: CodeUnknownOperation, Fault: smithy.FaultClient}
	}
	var c check
	c.structure(s, "", input)
	return c.result()
}

// Check is Validate for an input of the SDK, for callers in this process. It
// accepts a structure or a pointer to one; a nil pointer has no members.
func Check(operation string, in any) error {
	return Validate(operation, tree(in))
}

// check walks a tree beside its shape and collects what is wrong.
type check struct {
	wrongType error // the first one; it outranks all findings
	findings  []string
}

func (c *check) result() error {
	switch {
	case c.wrongType != nil:
		return c.wrongType
	case len(c.findings) == 0:
		return nil
	case len(c.findings) == 1:
		return Validation("1 validation error detected: " + c.findings[0])
	}
	return Validation(fmt.Sprintf("%d validation errors detected: %s", len(c.findings), strings.Join(c.findings, "; ")))
}

// done reports that nothing more needs to be found.
func (c *check) done() bool { return c.wrongType != nil || len(c.findings) >= maxFindings }

// add records a broken constraint. The value is already fit to be shown.
func (c *check) add(value, path, constraint string) {
	if !c.done() {
		c.findings = append(c.findings,
			fmt.Sprintf("Value%s at '%s' failed to satisfy constraint: %s", value, path, constraint))
	}
}

func (c *check) structure(s *shape, path string, tree map[string]any) {
	for _, m := range s.members {
		at := join(path, lowerCamel(m.name))
		v := tree[m.name]
		if v == nil {
			if m.required {
				c.add(" null", at, "Member must not be null")
			}
			continue
		}
		c.any(m.shape, at, v)
		if c.wrongType != nil {
			return
		}
	}
}

// any checks one present value.
func (c *check) any(s *shape, path string, v any) {
	if !s.accepts(v) {
		c.wrongType = s.refuseType(path, v)
		return
	}
	switch s.kind {
	case kindStructure:
		c.structure(s, path, v.(map[string]any))
	case kindMap:
		c.mapping(s, path, v.(map[string]any))
	case kindList:
		c.list(s, path, v.([]any))
	default:
		for _, text := range s.broken(v) {
			c.add(s.show(v), path, text)
		}
	}
}

func (c *check) mapping(s *shape, path string, m map[string]any) {
	for _, text := range s.outside(int64(len(m))) {
		c.add(s.show(m), path, text)
	}
	keys := slices.Sorted(maps.Keys(m))
	if slices.ContainsFunc(keys, func(k string) bool { return len(s.key.broken(k)) > 0 }) {
		c.add(s.show(m), path, "Map keys must satisfy constraint: "+s.key.constraints())
	}
	if !s.value.scalar() {
		for _, k := range keys {
			c.nested(s.value, path+"."+clip(k)+".member", m[k])
		}
		return
	}
	values := make([]any, 0, len(keys))
	for _, k := range keys {
		values = append(values, m[k])
	}
	if c.scalars(s.value, path+".value", values) {
		c.add(s.show(m), path, "Map value must satisfy constraint: "+s.value.constraints())
	}
}

func (c *check) list(s *shape, path string, l []any) {
	for _, text := range s.outside(int64(len(l))) {
		c.add(s.show(l), path, text)
	}
	if !s.element.scalar() {
		for i, v := range l {
			c.nested(s.element, fmt.Sprintf("%s.%d.member", path, i+1), v)
		}
		return
	}
	if c.scalars(s.element, path+".member", l) {
		c.add(s.show(l), path, "Member must satisfy constraint: "+s.element.constraints())
	}
}

// scalars reports whether any value breaks a constraint of s. An entry without
// a value does: it is not an absent entry, for a login that was meant to be
// there must not turn its caller into a guest.
func (c *check) scalars(s *shape, path string, values []any) (broken bool) {
	for _, v := range values {
		if v != nil && !s.accepts(v) {
			c.wrongType = s.refuseType(path, v)
			return false
		}
		broken = broken || v == nil || len(s.broken(v)) > 0
	}
	return broken
}

// nested checks a structure, map or list within a map or list.
func (c *check) nested(s *shape, path string, v any) {
	switch {
	case c.done():
	case v == nil:
		c.add(" null", path, "Member must not be null")
	default:
		c.any(s, path, v)
	}
}
