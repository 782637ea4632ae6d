// Package pipeline reads strings from Redis in batches: the reads of many requests share
// round trips, for most of a lone read is wake-ups and system calls. All that is read was
// read after it was asked for.
//
// A reader that NewReader makes writes nothing, and gives no epoch but one that a server had
// while it was the confirmed master; what is not an epoch is judged by those that it was
// stored under. NewFetcher makes one whose batches are made by another package: fence has its
// batches make epochs that are missing.
package pipeline
