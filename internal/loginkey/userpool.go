package loginkey

import (
	"regexp"
	"strings"
)

// newer is what the newer issuer of a user pool, and so one spelling of its key, begins with.
const newer = "issuer-"

var (
	wholePool = regexp.MustCompile(
		`\A(?:issuer-)?(cognito-idp\.([a-z0-9-]+)\.(amazonaws\.com(?:\.cn)?))/([\w-]+_[0-9A-Za-z]+)\z`)
	emulated = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9.-]*:[0-9]{1,5}/[\w-]+_[0-9A-Za-z]+\z`)
)

// Normal is the one form of a key under which logins, mappings and tags of its provider are
// kept. A user pool has two spellings, after its two issuers, and one form: that of the older
// one. All other keys are their own form.
func Normal(key string) string {
	if wholePool.MatchString(key) {
		return strings.TrimPrefix(key, newer)
	}
	return key
}

// PoolName is a user pool of Cognito, as its key names it.
type PoolName struct {
	Host   string // of the older issuer, and of the service's API: cognito-idp.<region>.amazonaws.com
	Region string
	ID     string // <region>_<…>
}

// UserPoolOf reads the key of a user pool, in either spelling. ok is false for any other key.
func UserPoolOf(key string) (pool PoolName, ok bool) {
	m := wholePool.FindStringSubmatch(key)
	if m == nil {
		return PoolName{}, false
	}
	return PoolName{Host: m[1], Region: m[2], ID: m[4]}, true
}

// Issuers are the two issuers of the user pool, the older one first.
func (p PoolName) Issuers() [2]string {
	name := p.Host + "/" + p.ID
	return [2]string{"https://" + name, "https://" + newer + name}
}

// EmulatedPool reports whether a key is host:port/<pool>: that of a user pool which an emulator
// serves, for development.
func EmulatedPool(key string) bool { return emulated.MatchString(key) }
