package config_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cognito-broker/broker/internal/config"
)

// written writes a configuration into a folder of its own.
func written(text string) (path string, remove func()) {
	dir, err := os.MkdirTemp("", "config")
	if err != nil {
		panic(err)
	}
	path = filepath.Join(dir, "broker.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		panic(err)
	}
	return path, func() { os.RemoveAll(dir) }
}

// Variables named after a key's path lie over the file, and what neither sets has its
// default.
func ExampleLoad() {
	path, remove := written("mode: development\ncache: {min_remaining: 10m}\n")
	defer remove()
	c, err := config.Load(path, []string{"BROKER_CACHE__MIN_REMAINING=15m", "HOME=/root"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Cache.MinRemaining, c.Listen, c.Cognito.Backend)
	// Output: 15m0s 127.0.0.1:8080 embedded
}

// An error names the key and what is expected there.
func ExampleLoad_refused() {
	for _, text := range []string{
		"mode: development\ncache: {colour: red}\n",
		"mode: development\ncache: {min_remaining: ten}\n",
		"mode: production\npublic_url: http://broker.example\n",
	} {
		path, remove := written(text)
		_, err := config.Load(path, nil)
		fmt.Println(err)
		remove()
	}
	// Output:
	// cache.colour: unknown key; expected one of clients, memory, min_remaining, redis, renew_idle
	// cache.min_remaining: is not a duration; expected a number with a unit, such as 500ms, 15s or 20m
	// public_url: is http in production; expected https, or a loopback host
}
