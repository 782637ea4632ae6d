package config

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const overridePrefix = "BROKER_"

// notOurs are variables of the Makefile that share the prefix.
func notOurs(name string) bool { return name == "BROKER_URL" || name == "BROKER_TEST_WITHOUT" }

// override is one BROKER_ variable, understood.
type override struct {
	variable string
	keys     []string // the path, key by key
	node     *yaml.Node
	loose    bool // the node is one scalar without quotes
}

func (o override) path() string { return strings.Join(o.keys, ".") }

// overrides reads the BROKER_ variables, the general before the particular, so
// that BROKER_CACHE__RENEW_IDLE wins over BROKER_CACHE.
func overrides(env map[string]string) ([]override, error) {
	var names []string
	for name := range env {
		if strings.HasPrefix(name, overridePrefix) && !notOurs(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	slices.SortStableFunc(names, func(a, b string) int {
		return strings.Count(a, "__") - strings.Count(b, "__")
	})
	list := make([]override, 0, len(names))
	for _, name := range names {
		o, err := parseOverride(name, env[name])
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, bothGiven(list)
}

// bothGiven refuses a secret that stands in one variable and is named by another.
func bothGiven(list []override) error {
	for _, o := range list {
		for _, p := range list {
			if p.variable == o.variable+strings.ToUpper(fileSuffix) {
				return refuse(p.path(), p.variable+" is given together with "+o.variable, "only one of the two")
			}
		}
	}
	return nil
}

func parseOverride(name, value string) (override, error) {
	o := override{variable: name}
	target, ok := o.resolve()
	if !ok {
		return o, refuse(join("", name), "names no key of the configuration",
			"BROKER_ and a key's path in capitals, with __ between levels; lists are replaced whole")
	}
	if len(value) > maxFileBytes {
		return o, refuse(name, "is too long", "at most 1 MiB")
	}
	var err error
	if o.node, err = parse(name, o.path(), []byte(value)); err != nil {
		return o, blame(err, []override{o})
	}
	if o.node == nil {
		// YAML sees nothing: fine for a variable set to nothing, but not for a
		// password that begins with # and would silently be a comment.
		if strings.TrimSpace(value) != "" {
			return o, refuse(name, "holds only a YAML comment", "a value, in YAML's quotes where it begins with #")
		}
		o.node = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	if null(o.node) && (section(target) || target.Kind() == reflect.Slice || target.Kind() == reflect.Map) {
		return o, refuse(name, "is empty", "a value; [] for an empty list")
	}
	o.loose = o.node.Kind == yaml.ScalarNode && o.node.Style == 0
	return o, nil
}

// resolve finds the keys that a variable's name stands for, and the type there.
func (o *override) resolve() (reflect.Type, bool) {
	t := reflect.TypeFor[Config]()
	rest := strings.TrimPrefix(o.variable, overridePrefix)
	if rest != strings.ToUpper(rest) {
		return nil, false
	}
	for key := range strings.SplitSeq(strings.ToLower(rest), "__") {
		if !section(t) {
			return nil, false
		}
		f, fromFile, ok := field(t, key)
		if !ok {
			return nil, false
		}
		o.keys, t = append(o.keys, key), f.Type
		if fromFile {
			t = reflect.TypeFor[string]()
		}
	}
	return t, true
}

// put lays the override over the document. root is a mapping.
func (o override) put(root *yaml.Node) {
	m := root
	for _, key := range o.keys[:len(o.keys)-1] {
		i := member(m, key)
		if i < 0 {
			set(m, key, mapping())
			i = member(m, key)
		} else if m.Content[i].Kind != yaml.MappingNode {
			// Nothing, or something that the decoder would refuse; the variable
			// outranks it either way.
			m.Content[i] = mapping()
		}
		m = m.Content[i]
	}
	last := o.keys[len(o.keys)-1]
	drop(m, otherSpelling(last))
	merge(m, last, o.node)
}

// merge sets key to n: mappings are laid over one another, all else is replaced.
func merge(m *yaml.Node, key string, n *yaml.Node) {
	i := member(m, key)
	switch {
	case i < 0:
		set(m, key, n)
	case m.Content[i].Kind == yaml.MappingNode && n.Kind == yaml.MappingNode:
		under := m.Content[i]
		for j := 0; j+1 < len(n.Content); j += 2 {
			drop(under, otherSpelling(n.Content[j].Value))
		}
		for j := 0; j+1 < len(n.Content); j += 2 {
			merge(under, n.Content[j].Value, n.Content[j+1])
		}
	default:
		m.Content[i] = n
	}
}

// otherSpelling turns x into x_file and back: what the environment says of a
// secret outranks either in the file.
func otherSpelling(key string) string {
	if stem, ok := strings.CutSuffix(key, fileSuffix); ok {
		return stem
	}
	return key + fileSuffix
}

// set appends a key that the mapping lacks.
func set(m *yaml.Node, key string, n *yaml.Node) {
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, n)
}

func drop(m *yaml.Node, key string) {
	if i := member(m, key); i >= 0 {
		m.Content = slices.Delete(m.Content, i-1, i+1)
	}
}

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }
