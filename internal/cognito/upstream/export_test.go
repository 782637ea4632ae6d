package upstream

import (
	"maps"
	"slices"
	"unsafe"
)

// PoolOf and RegionOf are fuzzed alone.
var (
	PoolOf   = poolOf
	RegionOf = regionOf
)

// Kept names the regions whose clients are kept.
func Kept(b *Backend) []string { return slices.Sorted(maps.Keys(b.clients.kept)) }

// Known is how many identities d keeps, once it has tidied up.
func Known(d *Directory) int {
	d.identities.CleanUp()
	return d.identities.EstimatedSize()
}

// Alias is a string that shares the bytes of b, as those of an HTTP library do.
func Alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
