package config

import (
	"regexp"
	"time"
)

// Cache configures the cache of credentials.
type Cache struct {
	Memory Memory `yaml:"memory"`
	// MinRemaining is the default floor: the least remaining life handed out.
	MinRemaining time.Duration `yaml:"min_remaining"`
	// RenewIdle is how long after its last asker an entry is still renewed.
	RenewIdle time.Duration `yaml:"renew_idle"`
	Clients   []Client      `yaml:"clients"`
	Redis     Redis         `yaml:"redis"`
}

// Memory bounds the cache in the process.
type Memory struct {
	MaxEntries int `yaml:"max_entries"`
}

// Client is a floor for a kind of client; the first match wins.
type Client struct {
	// UserAgent is matched against X-Amz-User-Agent and User-Agent, joined by a
	// space. Never nil.
	UserAgent    *regexp.Regexp `yaml:"user_agent"`
	MinRemaining time.Duration  `yaml:"min_remaining"`
}

// Redis configures the cache that a fleet shares; without addresses there is none.
type Redis struct {
	Addresses    []string      `yaml:"addresses"` // each host:port
	Sentinel     Sentinel      `yaml:"sentinel"`
	Username     string        `yaml:"username"`
	Password     Secret        `yaml:"password"`
	TLS          TLS           `yaml:"tls"`
	DialTimeout  time.Duration `yaml:"dial_timeout"`
	ReadTimeout  time.Duration `yaml:"read_timeout"`
	WriteTimeout time.Duration `yaml:"write_timeout"`
	// MinReplicas is how many replicas of a master must have what is written before it counts.
	MinReplicas int `yaml:"min_replicas"`
	// Keys seal entries: the first seals, all open.
	Keys []Key `yaml:"keys"`
	// NameKey makes the names of entries; one for the fleet, never rotated.
	NameKey Key `yaml:"name_key"`
}

// Sentinel names the master that the addresses watch; empty for no sentinel.
type Sentinel struct {
	Master string `yaml:"master"`
}

// TLS configures the connection to Redis. The file names are absolute, or empty.
type TLS struct {
	Enabled    bool   `yaml:"enabled"`
	CAFile     string `yaml:"ca_file"`
	CertFile   string `yaml:"cert_file"`
	KeyFile    string `yaml:"key_file"`
	ServerName string `yaml:"server_name"`
}
