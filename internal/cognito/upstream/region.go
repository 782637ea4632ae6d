package upstream

import (
	"strings"

	"github.com/cognito-broker/broker/internal/cognito"
)

// maxRegion bounds the name of a region; AWS's longest has 14 bytes.
const maxRegion = 32

// isRegion reports whether name has the form of an AWS region's name, such as
// us-east-1, us-gov-west-1 or eusc-de-east-1. Regions come from ids that anybody
// may send and become part of a host's name: nothing else may pass.
func isRegion(name string) bool {
	parts := strings.Split(name, "-")
	last := len(parts) - 1
	if len(name) > maxRegion || last < 2 {
		return false
	}
	for _, word := range parts[:last] {
		if !between(word, 'a', 'z') {
			return false
		}
	}
	area, number := parts[0], parts[last]
	return len(area) >= 2 && len(area) <= 4 && len(number) <= 2 && between(number, '0', '9')
}

// between reports whether s has letters, all of them from low to high.
func between(s string, low, high rune) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < low || r > high }) < 0
}

// regionOf returns the region that the id of a pool or an identity begins with.
func regionOf(id string) (region string, ok bool) {
	region, _, found := strings.Cut(id, ":")
	return region, found && isRegion(region)
}

// poolRegion returns the region to ask about a pool, or the refusal that it gets
// without asking.
func (b *Backend) poolRegion(pool string) (string, error) {
	region, ok := regionOf(pool)
	if !ok || !b.serves(pool) {
		return "", cognito.PoolNotFound(pool)
	}
	return region, nil
}

// appRegion returns the region to ask about an identity by an unsigned
// operation. An identity whose pool is not known may be asked about where some
// pool of its region is served: it may be one of them, and whoever sends its id
// could ask Cognito himself.
func (b *Backend) appRegion(id string) (string, error) {
	region, ok := regionOf(id)
	if !ok || !b.clients.reaches(region) {
		return "", cognito.IdentityNotFound(id)
	}
	if pool, known := b.directory.pool(id); known && !b.serves(pool) {
		return "", cognito.IdentityNotFound(id)
	}
	return region, nil
}

// signedRegion is appRegion for a signed operation, which acts with the broker's
// own rights: where only some pools are served, they reach no identity that is
// not known to be of these.
func (b *Backend) signedRegion(id string) (string, error) {
	region, err := b.appRegion(id)
	if err != nil {
		return "", err
	}
	if _, known := b.directory.pool(id); !known && b.served != nil {
		return "", cognito.IdentityNotFound(id)
	}
	return region, nil
}

// serves reports whether the pool is one of those served.
func (b *Backend) serves(pool string) bool { return b.served == nil || b.served[pool] }
