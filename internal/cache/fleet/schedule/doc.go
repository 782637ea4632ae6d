// Package schedule is when the entries of a fleet are renewed, by which broker, and with
// what: the reports of their use, the renewal requests, and the claims.
package schedule
