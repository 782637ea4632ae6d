package config

import "reflect"

// LoadBytes is Load for a file whose bytes are at hand.
func LoadBytes(folder string, data []byte, environ []string) (*Config, error) {
	return load("test.yaml", folder, data, variables(environ), &secretFiles{})
}

// EachSecret visits every secret text of a configuration.
func EachSecret(c *Config, visit func(path, text string)) {
	_ = eachSecret(reflect.ValueOf(c).Elem(), "", func(path, text string) error {
		visit(path, text)
		return nil
	})
}
