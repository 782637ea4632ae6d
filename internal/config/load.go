package config

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Load reads the file at path, lays the BROKER_ variables of environ (lines as of
// os.Environ) over it, fills in the defaults and checks the whole. Every error is
// an [*Error]. Relative names of files in it start at the folder of path.
//
// In development with the development identity provider on, Load adds that
// provider to LoginProviders, and its ARN to every pool of the engine that has
// none for it.
//
// Files with secrets that others may read or write are refused in production.
func Load(path string, environ []string) (*Config, error) {
	c, _, err := LoadExposed(path, environ)
	return c, err
}

// LoadExposed is Load, and tells which files others may read or write that it did
// not refuse: in development any, and the configuration itself where secrets stand
// in it.
func LoadExposed(path string, environ []string) (*Config, []Exposed, error) {
	data, mode, err := readFile(path, maxFileBytes)
	if err != nil {
		return nil, nil, refuse(shownName(path), err.Error(), "a readable YAML file")
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, nil, refuse(shownName(path), "has no absolute name", "a file in a folder that exists")
	}
	files := &secretFiles{}
	c, err := load(shownName(path), folder, data, variables(environ), files)
	if err != nil {
		return nil, nil, err
	}
	if files.literal {
		files.note("", path, mode)
	}
	return c, files.exposed, nil
}

// shownName keeps errors in one line whatever a file is called.
func shownName(path string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, path)
}

func load(name, folder string, data []byte, env map[string]string, files *secretFiles) (*Config, error) {
	list, err := overrides(env)
	if err != nil {
		return nil, err
	}
	root, err := parse(name, "", data)
	if err != nil {
		return nil, inFile(name, err)
	}
	if root == nil || null(root) {
		root = mapping()
	}
	if root.Kind != yaml.MappingNode {
		return nil, refuse(name, "is "+describe(root), "a mapping of "+keysOf(reflect.TypeFor[Config]()))
	}
	d := &decoder{
		env: env, dir: folder, files: files,
		loose: make(map[*yaml.Node]bool), overridden: make(map[*yaml.Node]bool),
	}
	for _, o := range list {
		o.put(root)
		d.loose[o.node] = o.loose
		d.override(o.node)
	}
	c := defaults()
	err = d.value(root, reflect.ValueOf(c).Elem(), "")
	if err == nil {
		err = c.finish(d)
	}
	if err != nil {
		return nil, blame(err, list)
	}
	return c, nil
}

// inFile gives an error about the document's root, which has no key, the file's
// name.
func inFile(name string, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Path == "" {
		return &Error{Path: name, Message: e.Message}
	}
	return err
}

// blame adds the variable that set the offending key: looking for it in the file
// would be in vain.
func blame(err error, list []override) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	for i := len(list) - 1; i >= 0; i-- {
		rest, ok := strings.CutPrefix(e.Path, list[i].path())
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return &Error{Path: e.Path, Message: "(set by " + list[i].variable + ") " + e.Message}
		}
	}
	return err
}

// finish derives what depends on other keys and checks everything.
func (c *Config) finish(d *decoder) error {
	err := firstOf(
		c.checkMode,
		c.checkListen,
		c.derivePublicURL,
		c.checkLog,
		c.checkLimits,
		c.checkHosts,
		c.checkCORS,
		c.checkCognito,
		c.checkSTS,
		c.checkDevelopment,
		c.checkLoginProviders,
		c.addDevelopmentProvider,
		c.checkCallers,
		c.checkRoles,
		c.checkPools,
		c.checkCache,
		c.checkRedis,
		c.checkProduction,
	)
	if err != nil {
		return err
	}
	c.deriveLogFormat()
	c.resolveFiles(d)
	if err := c.checkFiles(d.files); err != nil {
		return err
	}
	return c.checkProviderFiles()
}

func (c *Config) resolveFiles(d *decoder) {
	if c.Cognito.Store != MemoryStore {
		c.Cognito.Store = d.absolute(c.Cognito.Store)
	}
	for i := range c.LoginProviders {
		p := &c.LoginProviders[i]
		for _, name := range []*string{&p.JWKSFile, &p.CAFile, &p.MetadataFile, &p.DecryptionKeysFile} {
			*name = d.absolute(*name)
		}
	}
	tls := &c.Cache.Redis.TLS
	for _, name := range []*string{&tls.CAFile, &tls.CertFile, &tls.KeyFile} {
		*name = d.absolute(*name)
	}
}
