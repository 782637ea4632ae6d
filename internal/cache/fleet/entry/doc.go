// Package entry keeps credentials in Redis, sealed, each with the epochs that it rests on,
// and gives back only those whose epochs are the present ones.
package entry
