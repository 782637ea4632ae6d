// Package pipeline reads strings from Redis in batches: the reads of many requests share
// round trips, for most of a lone read is wake-ups and system calls. All that is read was
// read after it was asked for.
//
// It writes nothing, and gives no value that a server did not have while it was the
// confirmed master.
package pipeline
