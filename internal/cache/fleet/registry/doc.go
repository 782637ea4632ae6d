// Package registry is what brokers tell one another beside entries: whose a login is, in
// which pool an identity is, how often something may happen, and what they are set to.
package registry
