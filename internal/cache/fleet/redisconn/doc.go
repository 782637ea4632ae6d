// Package redisconn is the way to Redis, whichever its shape: one server, sentinels, or a
// cluster. It runs scripts, keeps servers that do not answer from costing everyone their
// time-outs, knows what is wrong with them, and whether a server is still the master that
// it was.
//
// It knows nothing of what is kept there. Only the packages of internal/cache/fleet import
// it; with pipeline it is the home of go-redis.
package redisconn
