package config

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder fills typed values from nodes that plain has passed.
type decoder struct {
	env map[string]string
	dir string // where relative names of files start; absolute
	// loose holds scalars that are whole environment variables: a shell takes
	// their quotes away, so a string key takes their text whatever YAML sees in it.
	loose map[*yaml.Node]bool
	// overridden holds what environment variables say, to its leaves.
	overridden map[*yaml.Node]bool
	files      *secretFiles
}

// value sets v, which is settable, from the node at path.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) error {
	switch {
	case section(v.Type()):
		return d.section(n, v, path)
	case v.Kind() == reflect.Slice:
		return d.list(n, v, path)
	case v.Kind() == reflect.Map:
		return d.mapping(n, v, path)
	case v.Type() == reflect.TypeFor[*bool]():
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(n, v.Elem(), path)
	}
	if err := d.scalar(n, v, path); err != nil {
		return err
	}
	if secretKind(v.Type()) && d.literal(n) {
		d.files.literal = true
	}
	return nil
}

// literal reports whether a scalar's text stands in the file, and is a secret:
// not one that everybody knows.
func (d *decoder) literal(n *yaml.Node) bool {
	text, changed, err := expand(n.Value, d.env)
	return err == nil && !changed && text != "" && !d.overridden[n] && !slices.Contains(developmentSecrets(), text)
}

// override notes that a variable says what stands below a node.
func (d *decoder) override(n *yaml.Node) {
	d.overridden[n] = true
	for _, child := range n.Content {
		d.override(child)
	}
}

// section fills a struct. A key without a value, as a section whose lines are all
// commented out, leaves the defaults.
func (d *decoder) section(n *yaml.Node, v reflect.Value, path string) error {
	if null(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return refuse(path, "is "+describe(n), "a mapping of "+keysOf(v.Type()))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, node := n.Content[i].Value, n.Content[i+1]
		here := join(path, key)
		f, fromFile, ok := field(v.Type(), key)
		switch {
		case !ok:
			return refuse(here, "unknown key", "one of "+keysOf(v.Type()))
		case fromFile && has(n, f.Tag.Get("yaml")):
			return refuse(here, "is given together with "+f.Tag.Get("yaml"), "only one of the two")
		}
		set := d.value
		if fromFile {
			set = d.secretFile
		}
		if err := set(node, v.FieldByIndex(f.Index), here); err != nil {
			return err
		}
	}
	return nil
}

// list replaces a slice. A key without a value leaves the default.
func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) error {
	if null(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return refuse(path, "is "+describe(n), "a list")
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, node := range n.Content {
		here := at(path, i)
		if null(node) {
			return refuse(here, "is empty", "a value")
		}
		if e, ok := list.Index(i).Addr().Interface().(defaulter); ok {
			e.defaults()
		}
		if err := d.value(node, list.Index(i), here); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

// maxMembers bounds a map, maxMemberName its keys' names, in bytes.
const (
	maxMembers    = 1000
	maxMemberName = 2048
)

// mapping replaces a map. Numbers are by operation; the keys of other maps are names. A key
// without a value leaves the default.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) error {
	if null(n) {
		return nil
	}
	operations, expected := v.Type().Elem().Kind() == reflect.Float64, "a mapping of names"
	if operations {
		expected = "a mapping of operations, such as {GetId: 25}"
	}
	if n.Kind != yaml.MappingNode {
		return refuse(path, "is "+describe(n), expected)
	}
	if len(n.Content)/2 > maxMembers {
		return refuse(path, "is too long", "at most 1000 names")
	}
	m := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, element := n.Content[i].Value, reflect.New(v.Type().Elem()).Elem()
		here := join(path, key)
		if operations && !slices.Contains(Operations(), key) {
			return refuse(here, "unknown key", "one of "+strings.Join(Operations(), ", "))
		}
		if key == "" || len(key) > maxMemberName {
			return refuse(here, "is not a name", "1 to 2048 bytes")
		}
		if !section(element.Type()) && null(n.Content[i+1]) {
			return refuse(here, "is empty", expectedOf(element))
		}
		if err := d.value(n.Content[i+1], element, here); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key), element)
	}
	v.Set(m)
	return nil
}

// absolute resolves the name of a file against the configuration's folder.
func (d *decoder) absolute(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return cleaned(name)
	}
	return filepath.Join(d.dir, name)
}

func cleaned(name string) string {
	if name == "" {
		return ""
	}
	return filepath.Clean(name)
}

func null(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func has(mapping *yaml.Node, key string) bool { return member(mapping, key) >= 0 }

// member returns the index of a key's value in a mapping's content, or -1.
func member(mapping *yaml.Node, key string) int {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i + 1
		}
	}
	return -1
}

// describe names what a node is, never what it holds.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case null(n):
		return "empty"
	}
	switch n.ShortTag() {
	case "!!bool":
		return "a truth value"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	}
	return "a string"
}
