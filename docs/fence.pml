/*
 * The fence of docs/fence.md, for SPIN: `make model` checks it, and that it fails when a
 * step is left out. docs/fence.md says what the model abstracts, and why that hides nothing.
 *
 * Two brokers with memory share a master and its replica. Broker 0 makes one change, from
 * OLD to NEW, within fence F. Fence G, by either broker, is around a change that is refused,
 * and is cancelled. Both are over one scope. Servers lose what they have and are cut off, the
 * replica takes over; brokers stall, lose their subscription, and reach a master that was
 * replaced. Time passes in ticks, of which a lease has LEASE.
 *
 * The property: no read that begins after F was answered returns OLD. All reads are steps
 * that take no time, so each may begin just before it is made.
 */
#ifndef LEASE
#define LEASE 1
#endif

/* ---- the servers ---- */

/* Random values never come back, so an epoch that something names is called by what it is to
 * its server: the present one, the one that cancelled fences return to, or one that ended. */
#define NONE    0
#define PRESENT 1
#define FORMER  2
#define ENDED   3

typedef Server {
	bool epoch;      /* the scope has one that is not pending */
	bool former;     /* and one to return to when all fences are cancelled */
	bool pending[2]; /* the marks of F and G */
	byte entry;      /* epoch that OLD is stored under */
	byte age;        /* of the table of membership leases, in ticks, LEASE at most */
	byte holds;      /* ticks left of broker 1's lease in it */
	bool heard;      /* the head of its log is the last that broker 1 heard, or that is on its way */
	byte trusted     /* ticks left of the longest confirmed master lease that a broker has */
}
Server S[2];

/* Server 0 is the master and 1 its replica; CUT: they do not hear each other; SPLIT: server 1
 * took over, which server 0 does not know; OVER: nobody trusts server 0 any more. */
mtype = { LINKED, CUT, SPLIT, OVER };
mtype topology = LINKED;

#define isMaster(s) (s == 0 -> topology != OVER : topology == SPLIT || topology == OVER)

/* Replicas confirm what is written; one that took over alone needs none. */
#ifndef UNCONFIRMED
#define confirms(s) (s == 0 -> topology == LINKED : topology == SPLIT || topology == OVER)
#else
#define confirms(s) isMaster(s)
#endif
#define reached(s)  (isMaster(s) && (confirms(s) || S[s].trusted > 0))

#define isPending(s) (S[s].pending[0] || S[s].pending[1])

/* ---- the brokers ---- */

bool memory[2];  /* OLD is there, under the present term of the lease */
byte fences[2];  /* of the broker's own that are open: its memory is suspended */

/* One request at a time has brought OLD, and did not keep it yet. */
byte stamp;      /* the epoch that it read before; NONE: there is no request */
bit from;        /* the server that it read it from */
bit asker;       /* the broker that it came to */
bool sameTerm;   /* no announcement was missed since */

/* Broker 1's membership. Broker 0 may always serve from memory: its own change is fenced there. */
byte lease;      /* ticks left */
byte session;    /* subscribed to server session - 1 */
byte coming;     /* announcements that are on their way, two at most */
bool gap[2];     /* of those: it names another as the one before than was heard, or comes, before it */
byte renewed;    /* a renewal waits until so many of those were heard; 0: there is none */
byte left;       /* of the lease then */

/* ---- the change ---- */

bool changed, answered;
bool over;       /* nothing more can go wrong */
mtype = { NOBODY, HOLDER, EVERYONE };
mtype waits = NOBODY; /* F: for broker 1's acknowledgement; for all leases to lapse */
byte patience;   /* ticks until all leases from before the announcement have lapsed */

#define nothingOld (!memory[0] && !memory[1] && stamp == NONE && S[0].entry == NONE && S[1].entry == NONE)

/* ---- epochs ---- */

inline forget() { stamp = NONE; from = 0; asker = 0; sameTerm = false }

/* What was read under an epoch that ended is kept in broker 1's memory at most. */
inline useless() {
	if
	:: stamp == ENDED && !(asker == 1 && sameTerm) -> forget()
	:: else
	fi
}

/* What a server called the one is the other now. */
inline turns(s, one, other) {
	if
	:: S[s].entry == one && other != ENDED -> S[s].entry = other
	:: S[s].entry == one && other == ENDED -> S[s].entry = NONE
	:: else
	fi;
	if
	:: stamp == one && from == s -> stamp = other; useless()
	:: else
	fi
}

/* All epochs end; a new one is made when somebody asks for it. */
inline renewEpoch(s) {
	S[s].epoch = false; turns(s, PRESENT, ENDED);
	S[s].former = false; turns(s, FORMER, ENDED)
}

inline beginFence(s, f) {
#ifdef UNMARKED
	renewEpoch(s);
#else
	if
	:: S[s].epoch ->
		turns(s, FORMER, ENDED); turns(s, PRESENT, FORMER);
		S[s].epoch = false; S[s].former = true
	:: else
	fi;
#endif
	S[s].pending[f] = true
}

inline endFence(s, f) {
	S[s].pending[f] = false;
#ifdef REVIVED
	if
	:: !isPending(s) -> renewEpoch(s)
	:: else
	fi
#else
	renewEpoch(s)
#endif
}

inline cancelFence(s, f) {
	if
	:: S[s].pending[f] && S[s].pending[1 - f] -> S[s].pending[f] = false
	:: S[s].pending[f] && !S[s].pending[1 - f] && S[s].former ->
		S[s].pending[f] = false;
		turns(s, PRESENT, ENDED); turns(s, FORMER, PRESENT);
		S[s].epoch = true; S[s].former = false
	:: S[s].pending[f] && !S[s].pending[1 - f] && !S[s].former -> S[s].pending[f] = false; renewEpoch(s)
	:: else
	fi
}

#ifndef UNMARKED
#define mayOpen(s) !isPending(s)
#else
#define mayOpen(s) true
#endif

/* The replica has what the master was told. Of all that it has, pending marks alone count when
 * it takes over: the rest is of the former term. */
inline replicate() {
	if
	:: topology == LINKED -> S[1].pending[0] = S[0].pending[0]; S[1].pending[1] = S[0].pending[1]
	:: else
	fi
}

/* ---- a broker's memory ---- */

/* The scope ends in this process: in memory, and for what is under way. */
inline ends(b) {
	memory[b] = false;
	if
	:: asker == b -> forget()
	:: else
	fi
}

/* What the missed announcements ended is not known: nothing in memory is served any more. */
inline missed() {
#ifndef GAP
	memory[1] = false;
	sameTerm = sameTerm && asker == 0;
	useless()
#else
	skip
#endif
}

/* ---- membership leases and the invalidation log ---- */

inline endSession() {
	if
	:: coming > 0 -> S[0].heard = false; S[1].heard = false
	:: else
	fi;
	session = 0; renewed = 0; left = 0;
	coming = 0; gap[0] = false; gap[1] = false
}

/* A table that is younger than a lease may not know every holder. */
#ifndef YOUNG
#define isYoung(s) (S[s].age < LEASE)
#else
#define isYoung(s) false
#endif

/* Broker 0 moves the log on, and learns for whom it has to wait. */
inline announce(s, all) {
	if
	:: session == s + 1 && coming < 2 ->
		gap[coming] = !S[s].heard; coming++;
		S[0].heard = false; S[1].heard = false; S[s].heard = true
	:: session == s + 1 && coming == 2 -> endSession(); S[s].heard = false
	:: else -> S[s].heard = false
	fi;
	patience = LEASE;
	if
	:: all || isYoung(s) -> waits = EVERYONE
	:: !all && !isYoung(s) && S[s].holds > 0 -> waits = HOLDER
	:: else
	fi
}

#ifndef UNWAITED
#define settled (waits == NOBODY || patience == 0)
#else
#define settled true
#endif

inline settle() { waits = NOBODY; patience = 0 }

inline extend(ticks) {
	lease = (lease < ticks -> ticks : lease);
	renewed = 0; left = 0
}

/* Broker 1 begins a session: it subscribes, and then renews for the first time. */
inline begin(at, s) {
	session = at + 1;
	S[s].holds = LEASE;
	if
	:: !S[s].heard -> missed(); S[0].heard = false; S[1].heard = false; S[s].heard = true
	:: else
	fi;
	extend(LEASE)
}

/* It renews: what was announced before must be heard first, and where a part of that was lost,
 * the session ends. */
inline renew(s) {
	S[s].holds = LEASE;
	if
	:: S[s].heard && coming == 0 -> extend(LEASE)
#ifndef GAP
	:: S[s].heard && coming > 0 -> renewed = coming; left = LEASE
	:: else -> missed(); endSession()
#else
	:: else -> extend(LEASE)
#endif
	fi
}

/* It hears an announcement, and acknowledges it. */
inline hear() {
	ends(1);
	if
	:: waits == HOLDER -> waits = NOBODY
	:: else
	fi;
	if
	:: gap[0] -> missed()
	:: else
	fi;
	if
	:: renewed == 1 -> extend(left)
	:: renewed > 1 -> renewed--
	:: else
	fi;
	gap[0] = gap[1]; gap[1] = false;
	coming--
}

proctype Session() provided (!over) {
	do
	:: d_step { session == 0 && isMaster(0) && confirms(0) -> begin(0, 0) }
	:: d_step { session == 0 && isMaster(0) && confirms(1) -> begin(0, 1) }
	:: d_step { session == 0 && isMaster(1) && confirms(1) -> begin(1, 1) }
	:: d_step { session != 0 && renewed == 0 && confirms(0) -> renew(0); over = changed && nothingOld }
	:: d_step { session != 0 && renewed == 0 && confirms(1) -> renew(1); over = changed && nothingOld }
	:: d_step { coming > 0 -> hear(); over = changed && nothingOld }
	:: d_step { session != 0 -> endSession() }
	od
}

/* ---- F, around the change ---- */

/* Whoever still goes by a master that was replaced may keep what that says after he acknowledged.
 * So all are waited for then, and it is announced again: nobody goes by that master any more. */
#define young(s) (s == 1 && S[0].trusted > 0)
#ifndef ONCE
#define twice true
#else
#define twice false
#endif

/* A master that another one followed within the fence may have lost it, and was believed. */
#ifndef FOLLOWED
#define follows(s) (s != at)
#else
#define follows(s) false
#endif

proctype Change() provided (!over) {
	bit s, at;
	bool lost, again, told;

	if
	:: d_step { reached(0) -> s = 0; fences[0]++; beginFence(0, 0) }
	:: d_step { reached(1) -> s = 1; fences[0]++; beginFence(1, 0) }
	fi;
	if
	:: d_step { confirms(s) -> replicate(); at = s; again = young(s); s = 0 }
	:: d_step { !confirms(s) -> over = true } /* the change is not made */
	fi;
before:
	if
	:: d_step { reached(0) -> s = 0; announce(0, again) }
	:: d_step { reached(1) -> s = 1; announce(1, again) }
	fi;
	if
	:: d_step { confirms(s) -> s = 0 }
	:: d_step { !confirms(s) -> over = true }
	fi;
	d_step { settled -> settle() }
	if
	:: again && twice -> again = false; goto before
	:: else -> again = false
	fi;
	d_step { changed = true; over = nothingOld }
end:
	if
	:: d_step { reached(0) -> s = 0; again = follows(0); lost = !S[0].pending[0] || again; endFence(0, 0) }
	:: d_step { reached(1) -> s = 1; again = follows(1); lost = !S[1].pending[0] || again; endFence(1, 0) }
	fi;
	if
	:: d_step { confirms(s) -> replicate(); s = 0 }
	:: d_step { !confirms(s) -> s = 0; lost = false; again = false }; goto end
	fi;
#ifndef UNTOLD
after:
	if
	:: lost ->
		if
		:: d_step { reached(0) -> s = 0; announce(0, !told) }
		:: d_step { reached(1) -> s = 1; announce(1, !told) }
		fi;
		if
		:: d_step { confirms(s) -> s = 0 }
		:: d_step { !confirms(s) -> s = 0; lost = false; again = false; told = false; settle() }; goto end
		fi;
		d_step { settled -> settle() }
		if
		:: again && twice -> again = false; told = true; goto after
		:: else
		fi;
		lost = false
	:: else
	fi;
#endif
	d_step {
		lost = false; again = false; told = false; at = 0;
		fences[0]--;
#ifdef REVIVED
		if
		:: fences[0] == 0 -> ends(0)
		:: else
		fi;
#else
		ends(0);
#endif
		answered = true;
		over = nothingOld
	}
}

/* ---- G, around a change that is refused ---- */

/* With OVERLAP, in place of the replica's taking over. */
proctype Refused() provided (!over) {
	if
	:: d_step { fences[0]++ };
		if
		:: d_step { reached(0) -> beginFence(0, 1) }
		:: d_step { reached(1) -> beginFence(1, 1) }
		fi;
		if
		:: d_step { reached(0) -> cancelFence(0, 1) }
		:: d_step { reached(1) -> cancelFence(1, 1) }
		fi;
		d_step { fences[0]-- }
	:: d_step { fences[1]++ };
		if
		:: d_step { reached(0) -> beginFence(0, 1) }
		:: d_step { reached(1) -> beginFence(1, 1) }
		fi;
		if
		:: d_step { reached(0) -> cancelFence(0, 1) }
		:: d_step { reached(1) -> cancelFence(1, 1) }
		fi;
		d_step { fences[1]-- }
	fi
}

/* ---- reads ---- */

#ifndef UNLEASED
#define leased(b) (b == 0 || lease > 0)
#else
#define leased(b) true
#endif

/* Of a server that is trusted, the entry and its epoch are read together. */
inline read(b, s) {
	S[s].epoch = true;
	if
	:: S[s].entry == PRESENT || !changed ->
		assert(!(S[s].entry == PRESENT && answered));
		stamp = PRESENT; from = s; asker = b; sameTerm = true
	:: else /* the exchange brings NEW, which anyone may have */
	fi
}

#define mayRead(s) (isMaster(s) && S[s].trusted > 0 && mayOpen(s))

proctype Reader() provided (!over) {
	do
	:: d_step { memory[0] && fences[0] == 0 && leased(0) -> assert(!answered) }
	:: d_step { memory[1] && fences[1] == 0 && leased(1) -> assert(!answered) }
	:: d_step { stamp == NONE && fences[0] == 0 && mayRead(0) -> read(0, 0) }
	:: d_step { stamp == NONE && fences[0] == 0 && mayRead(1) -> read(0, 1) }
	:: d_step { stamp == NONE && fences[1] == 0 && mayRead(0) -> read(1, 0) }
	:: d_step { stamp == NONE && fences[1] == 0 && mayRead(1) -> read(1, 1) }
	/* kept in Redis, while its epoch stands */
	:: d_step { stamp == PRESENT && fences[asker] == 0 && isMaster(from) -> S[from].entry = PRESENT }
	/* kept in memory */
	:: d_step { stamp != NONE && fences[asker] == 0 && sameTerm && leased(asker) -> memory[asker] = true; forget() }
	:: d_step { stamp != NONE -> forget(); over = changed && nothingOld }
	od
}

/* ---- the world ---- */

#define less(t) t = (t > 0 -> t - 1 : 0)

inline loseKeys(s) { S[s].pending[0] = false; S[s].pending[1] = false; renewEpoch(s) }

/* A table that is lost is begun anew, with another head. */
inline loseTable(s) { S[s].age = 0; S[s].holds = 0; S[s].heard = false }

/* What names another term counts in none. */
inline newTerm(s) { renewEpoch(s); loseTable(s) }

/* A server is done with: nobody trusts it any more. */
inline leave(s) { loseKeys(s); loseTable(s); S[s].trusted = 0 }

inline trust(s) {
	if
	:: confirms(s) -> S[s].trusted = LEASE
	:: else
	fi
}

inline older(s) {
	if
	:: S[s].age < LEASE -> S[s].age++
	:: else
	fi
}

inline tick() {
	less(lease); less(left); less(patience);
	less(S[0].holds); less(S[1].holds); less(S[0].trusted); less(S[1].trusted);
	trust(0); trust(1);
	if
	:: topology != OVER -> older(0)
	:: else
	fi;
	if
	:: topology == SPLIT || topology == OVER -> older(1)
	:: else
	fi;
	if
	:: topology == SPLIT && S[0].trusted == 0 -> topology = OVER; leave(0)
	:: else
	fi
}

#define mayLose(s) reached(s)

proctype World() provided (!over) {
	do
#ifndef OVERLAP
	:: d_step { topology == LINKED -> topology = CUT }
#endif
	:: d_step { topology == CUT -> topology = LINKED; replicate(); trust(0) }
	:: d_step { topology == CUT -> topology = SPLIT; newTerm(1); trust(1) }
	/* keys are evicted or flushed, and so may be the table; a server that starts again loses no more */
	:: d_step { mayLose(0) -> loseKeys(0); replicate(); over = changed && nothingOld }
	:: d_step { mayLose(1) -> loseKeys(1); over = changed && nothingOld }
	:: d_step { mayLose(0) -> loseTable(0) }
	:: d_step { mayLose(1) -> loseTable(1) }
	:: d_step { tick() }
	od
}

init {
	d_step { S[0].trusted = LEASE; S[0].heard = true; memory[0] = true }
	atomic {
		run Change(); run Session(); run Reader(); run World()
#ifdef OVERLAP
		; run Refused()
#endif
	}
}
