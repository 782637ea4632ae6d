package config

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// secretFile sets a secret from the file that x_file names. The file's text is
// taken as it is, without variables, less one line feed at its end; a list of
// keys has one a line. Errors name the key, never what stands in the file.
func (d *decoder) secretFile(n *yaml.Node, v reflect.Value, path string) error {
	var name string
	if err := d.scalar(n, reflect.ValueOf(&name).Elem(), path); err != nil {
		return err
	}
	if name == "" {
		return refuse(path, "is empty", "the name of a file")
	}
	data, mode, err := readFile(d.absolute(name), maxSecretBytes)
	if err != nil {
		return refuse(path, "names a file that "+err.Error(), "a readable file with the secret")
	}
	d.files.note(path, d.absolute(name), mode)
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return refuse(path, "names an empty file", "a file with the secret")
	}
	if v.Kind() != reflect.Slice {
		return setText(v, text, path)
	}
	return setKeys(v, text, path)
}

func setKeys(v reflect.Value, text, path string) error {
	var keys []Key
	for i, line := range strings.Split(text, "\n") {
		key, ok := ParseKey(strings.TrimSuffix(line, "\r"))
		if !ok {
			return refuse(at(path, i), "is not a key", expectedKey)
		}
		keys = append(keys, key)
	}
	v.Set(reflect.ValueOf(keys))
	return nil
}
