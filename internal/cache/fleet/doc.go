// Package fleet is what brokers share through Redis: credentials sealed, the
// epochs that end them, and the agreement of all brokers before a change is
// answered. It puts together the packages below it:
//
//	fleet → entry, flight, schedule, registry → fence → pipeline → redisconn → codec
//
// The fence, step by step. Every scope (an identity, a pool, a login) has an epoch
// in Redis, a random value. An entry carries the epochs that were read before the
// exchange that brought it, and is served only while they are the present ones.
// A broker that is about to change something
//
//  1. makes the scopes' epochs pending, with a deadline, and waits until the
//     replicas have them too, where there must be any: nothing can be read or stored;
//  2. announces the scopes to all brokers, which end what they hold in memory and
//     acknowledge; one that does not answer is waited for until its lease must have
//     lapsed;
//  3. makes the change;
//  4. opens new epochs, and answers.
//
// A broker serves from memory only under a membership lease. It renews it in Redis, and
// counts it from before the request was sent, when it has heard every announcement
// up to the renewal. Each announcement names the one before: a gap, whatever its cause,
// ends all that is in memory. So nothing rests on pub/sub to deliver, only on the lease to
// lapse.
//
// Flights. An exchange that many wait for is made by one broker: the one that
// has the lock of its key under the present epochs, a token with a short life that
// it renews meanwhile. The others wait until the lock is gone, and then read
// the entry that was stored. A lock that lapses costs one more exchange, never a
// wrong answer: entries are judged by their epochs, whoever stored them.
//
// Whatever Redis forgets (emptied, evicting) is made anew and matches nothing that
// came before. An epoch names the replication id of the master on which it was made, and
// counts under no other: a server that took over, or that read an old state back from its
// disk, may not know what was fenced.
//
// A master may have been replaced by another that a broker does not reach. So it is
// believed only for a moment after its replicas confirmed a write: what they have
// not confirmed is no lease, no fence, and no epoch that anything is served under. How many
// replicas must is configured: so many that, with the master, they are most of all servers.
// Then whoever is confirmed on one side cannot be on the other, nor shortly after. A server
// that has not been what it is for the length of a lease may not know all holders of leases:
// a fence waits then until they must have lapsed.
package fleet
