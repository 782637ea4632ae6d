// Package config turns one YAML file, the BROKER_ environment and the defaults
// into a single typed and validated [Config].
//
// It is strict because a setting that is misread here is a hole elsewhere: an
// unknown or repeated key, a wrong type, a value without sense, an unset
// variable or a setting that would do nothing is an [Error] which names the
// key's path and what is expected there. Errors never quote values, so a secret
// in the wrong place does not reach a terminal or a log.
//
// The package knows nothing of the parts that it configures, opens neither store
// nor socket, and imports no other package of this module. Any layer may read
// its types; only the commands call [Load].
package config
