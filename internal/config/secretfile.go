package config

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// secretFile sets a secret from the file that x_file names. The file's text is
// taken as it is, without variables, less one line feed at its end; a list has one
// secret or key a line. Errors name the key, never what stands in the file.
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
	return d.lines(v, text, path)
}

// lines sets a list of secrets or keys, one a line.
func (d *decoder) lines(v reflect.Value, text, path string) error {
	lines := strings.Split(text, "\n")
	list := reflect.MakeSlice(v.Type(), len(lines), len(lines))
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			return refuse(at(path, i), "is an empty line", expectedOf(list.Index(i)))
		}
		if err := setText(list.Index(i), line, at(path, i)); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}
