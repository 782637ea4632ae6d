// Package codec is how what brokers share is named and encoded in Redis: one place for the
// names of keys, which are digests, for the layouts of values, and for their encryption.
//
// It talks to no server. Every package below internal/cache/fleet may import it.
package codec
