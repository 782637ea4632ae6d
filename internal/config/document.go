package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

const (
	maxFileBytes   = 1 << 20
	maxSecretBytes = 64 << 10
	// maxDepth is well above the deepest key and far below what hurts a walker.
	maxDepth = 32
)

// readFile reads at most limit bytes, and tells the file's mode; a longer file is
// refused, not cut.
func readFile(name string, limit int64) ([]byte, fs.FileMode, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, reason(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, reason(err)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, 0, reason(err)
	}
	if int64(len(data)) > limit {
		return nil, 0, errors.New("is larger than " + strconv.FormatInt(limit, 10) + " bytes")
	}
	return data, info.Mode(), nil
}

// reason strips the file's name, which the caller says in its own place.
func reason(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return errors.New("cannot be read (" + err.Error() + ")")
}

// parse reads one YAML document and makes sure that nothing but plain mappings,
// lists and scalars with unique keys is left in it. name stands for the document
// in errors about its syntax, path for its root in the others. An empty document
// gives nil.
func parse(name, path string, data []byte) (*yaml.Node, error) {
	limits := loaderlimits.New(loaderlimits.DepthValue(maxDepth))
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(limits))
	if err != nil {
		return nil, syntaxError(name, data, err)
	}
	var doc, second yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxError(name, data, err)
	}
	if err := loader.Load(&second); err == nil {
		return nil, refuse(name, "holds more than one YAML document", "one")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(name, data, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], plain(doc.Content[0], path)
}

// syntaxError takes from the library's error the line, and the message only of
// stages whose messages quote nothing of the file: an unknown alias, for one, is
// quoted, and may be a password that begins with an asterisk.
func syntaxError(name string, data []byte, err error) error {
	wrong := "is not valid YAML"
	var le *yaml.LoadError
	if errors.As(err, &le) {
		if le.Mark.Line > 0 {
			// What is missing at the end is reported beyond the last line.
			last := bytes.Count(bytes.TrimRight(data, "\n"), []byte("\n")) + 1
			name += ":" + strconv.Itoa(min(le.Mark.Line, last))
		}
		if le.Stage == yaml.ScannerStage || le.Stage == yaml.ParserStage || le.Stage == yaml.ReaderStage {
			wrong += " (" + strings.Join(strings.Fields(le.Message), " ") + ")"
		}
	}
	return refuse(name, wrong, "one YAML document")
}

// plain refuses what YAML can do beyond a tree of values: aliases and merge keys,
// whose expansion has no limit, tags, which change what a text means, keys that
// are no text, and keys given twice, of which one would be ignored.
func plain(n *yaml.Node, path string) error {
	switch {
	case n.Kind == yaml.AliasNode:
		return refuse(path, "is a YAML alias", "the value itself, in quotes where it begins with *")
	case n.Anchor != "":
		return refuse(path, "has a YAML anchor", "the value alone, in quotes where it begins with &")
	case n.Style&yaml.TaggedStyle != 0:
		return refuse(path, "has a YAML tag", "the value alone, in quotes where it begins with !")
	case n.Kind == yaml.MappingNode:
		return plainMapping(n, path)
	}
	for i, child := range n.Content {
		if err := plain(child, at(path, i)); err != nil {
			return err
		}
	}
	return nil
}

func plainMapping(n *yaml.Node, path string) error {
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return refuse(path, "has a key that is no text", "keys of the configuration")
		}
		child := join(path, key.Value)
		switch {
		case key.Anchor != "" || key.Style&yaml.TaggedStyle != 0:
			return refuse(child, "is a key with an anchor or a tag", "the key alone")
		case key.ShortTag() == "!!merge":
			return refuse(child, "is a YAML merge key", "the keys themselves")
		case seen[key.Value]:
			return refuse(child, "is given twice", "it once")
		}
		seen[key.Value] = true
		if err := plain(n.Content[i+1], child); err != nil {
			return err
		}
	}
	return nil
}
