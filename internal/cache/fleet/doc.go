// Package fleet is what brokers share through Redis: credentials sealed, the
// epochs that end them, and the agreement of all brokers before a change is
// answered.
//
// The fence, step by step. Every scope (an identity, a pool, a login) has an epoch
// in Redis, a random value. An entry carries the epochs that were read before the
// exchange that brought it, and is served only while they are the present ones.
// A broker that is about to change something
//
//  1. makes the scopes' epochs pending, with a deadline, and waits until the
//     replicas have them too, where there are any: nothing can be read or stored;
//  2. announces the scopes to all brokers, which end what they hold in memory and
//     acknowledge; one that does not answer is waited for until its lease must have
//     lapsed;
//  3. makes the change;
//  4. opens new epochs, and answers.
//
// A broker serves from memory only under a lease. It renews it in Redis, and
// counts it from before the request was sent, when it has heard every announcement
// up to the renewal. Announcements form a chain, each naming the one before: a gap,
// whatever its cause, ends all that is in memory. So nothing rests on pub/sub to
// deliver, only on the lease to lapse.
//
// Flights. What an exchange would bring to many, one broker fetches: the one that
// has the lock of its key under the present epochs, a token with a short life that
// it renews while it is at work. The others look until that is gone, and then for
// the entry that was stored. A lock that lapses costs an exchange more, never a
// wrong answer: entries are judged by their epochs, whoever stored them.
//
// Whatever Redis forgets (emptied, evicting) is made anew and matches nothing that
// came before. An epoch names the replication id in which it was made, and counts in no
// other: a server that took over, or that read an old state back from its disk, may not
// know what was fenced.
//
// A server may have been replaced by another that a broker does not reach. So it is
// confirmed only for a moment after its replicas confirmed a write: what they have
// not confirmed is no lease, no fence, and no epoch that anything is served under. Of
// all servers that were ever met together most must have the write; of two, the
// master needs its replica, and the replica that took over is alone. So whoever is
// confirmed on one side cannot be on the other, nor shortly after: a server that has
// not been what it is for the length of a lease is not confirmed to know all who
// take as confirmed another, and a fence waits then.
package fleet
