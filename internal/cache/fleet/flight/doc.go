// Package flight has one broker of a fleet make an exchange that many wait for: it takes a
// lock, and leaves for the others how the exchange failed, if it did.
package flight
