// Package fence is the protocol around a change: the epochs of scopes, this broker's
// membership lease, the announcements that end what other brokers hold in memory, and the
// changes of pools whose outcome is not known yet. Package fleet tells it step by step.
//
// It keeps no entries: what rests on an epoch is for others to store and to judge.
package fence
