package config

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// Exposed is a file that others may use more than they must: with secrets, which they may read or
// write, or public, which they may write. Others are neither its owner nor of its group.
type Exposed struct {
	Key  string // the key's path that names the file; empty: the configuration itself
	File string
	Mode fs.FileMode // its permission bits
	// Public says that others may read it, and only must not write it: it says whom to believe.
	Public bool
}

// Problem says in one line which file is meant, what is wrong and what to do.
func (e Exposed) Problem() string {
	file := shownName(e.File)
	if e.Public {
		return fmt.Sprintf("%s may be written by others (mode %04o); expected by its owner and group alone: chmod o-w %s",
			file, e.Mode, file)
	}
	holds := ""
	if e.Key == "" {
		holds = "holds secrets, and "
	}
	return fmt.Sprintf("%s %smay be read or written by others (mode %04o); expected by its owner and group alone: chmod "+
		"o-rwx %s",
		file, holds, e.Mode, file)
}

// OthersMay reports whether somebody who is neither owner nor of the group may
// read or write a file of that mode. It holds for regular files alone, and not on
// Windows, which keeps such rights elsewhere. A link's mode says nothing: take that
// of what it leads to.
func OthersMay(mode fs.FileMode) bool {
	return mode.IsRegular() && mode.Perm()&0o006 != 0 && runtime.GOOS != "windows"
}

// secretFiles is what is learnt of the files that a configuration has secrets in.
type secretFiles struct {
	exposed []Exposed
	// literal says that a secret stands in the configuration itself.
	literal bool
}

// note keeps a file that others may use.
func (f *secretFiles) note(key, name string, mode fs.FileMode) {
	if OthersMay(mode) {
		f.exposed = append(f.exposed, Exposed{Key: key, File: name, Mode: mode.Perm()})
	}
}

// look notes a file that another part of the broker opens. One that does not exist
// is not ours to refuse.
func (f *secretFiles) look(key, name string) {
	if name == "" {
		return
	}
	if info, err := os.Stat(name); err == nil {
		f.note(key, name, info.Mode())
	}
}

// lookWritable is look for a file that is no secret: others may read it, but not write it,
// for it says whom to believe.
func (f *secretFiles) lookWritable(key, name string) {
	if name == "" {
		return
	}
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o002 != 0 {
		f.exposed = append(f.exposed, Exposed{Key: key, File: name, Mode: info.Mode().Perm(), Public: true})
	}
}

// checkFiles looks at the files that are not read here, and refuses in production
// any that others may use. The names of files are absolute by now.
func (c *Config) checkFiles(f *secretFiles) error {
	if c.Cognito.Backend == BackendEmbedded && c.Cognito.Store != MemoryStore {
		for _, part := range []string{"", "-wal", "-shm"} {
			f.look("cognito.store", c.Cognito.Store+part)
		}
	}
	f.look("cache.redis.tls.key_file", c.Cache.Redis.TLS.KeyFile)
	for i, p := range c.LoginProviders {
		f.lookWritable(fmt.Sprintf("login_providers[%d].jwks_file", i), p.JWKSFile)
		f.lookWritable(fmt.Sprintf("login_providers[%d].ca_file", i), p.CAFile)
		f.lookWritable(fmt.Sprintf("login_providers[%d].metadata_file", i), p.MetadataFile)
		f.look(fmt.Sprintf("login_providers[%d].decryption_keys_file", i), p.DecryptionKeysFile)
	}
	if c.Mode == ModeDevelopment || len(f.exposed) == 0 {
		return nil
	}
	return &Error{Path: f.exposed[0].Key, Message: f.exposed[0].Problem()}
}
