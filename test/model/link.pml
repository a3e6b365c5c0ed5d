/* What both scenarios share: the words of inboxes and links, x86-TSO store buffers, and the three
 * steps that every thread takes in the same way: wake another, park, announce its own death.
 *
 * wake.pml and room.pml include it, after they have defined
 *   THREADS    threads that take part; the consumer is thread 0, link l comes from thread l + 1
 *   INBOXES    inboxes in use: 0 is the consumer's, 1 (room.pml only) the producer's own
 *   LINKS      links into inbox 0
 *   CAPACITY   units of a ring, a power of two
 *   ALL_READY  a ready word with every bit set
 *
 * What must stay true: one Promela step is at most one access to shared memory. An Atomics
 * operation waits until the thread's own store buffer is empty and then acts on memory; a plain
 * store goes into the buffer and reaches memory, in order, whenever Memory pleases. A load needs
 * no forwarding from the buffer: no thread reads back a word that it stores plainly.
 *
 * Positions are bytes and wrap at 256, as the real ones wrap at 2^32.
 */

#define NOBODY 255
#define distance(later, earlier) (((later) - (earlier)) & 255)

byte ready[INBOXES];
bit sleeping[INBOXES];
/* With the addon an eventfd: rung before or during the wait, it wakes once. In the portable case it
 * tells that a waiter is listed for Atomics.notify, which does nothing when there is none. */
bit bell[INBOXES];

byte tail[LINKS];
byte head[LINKS];
byte taken[LINKS];
byte waiting[LINKS];
byte ring[LINKS * CAPACITY];
byte deaths;

/* No shared words, but what the scenario knows. */
byte killed = NOBODY;  /* the thread that ends now, wherever it stands */
bit finished[THREADS]; /* it publishes nothing more, and its death, if any, has been announced */

mtype = { Ring, Tail, Head, Taken, Waiting, Sleeping };
#ifdef ANNOUNCED_BY_MAIN
#define MAIN THREADS /* its store buffer is one more */
#define BUFFERS (THREADS + 1)
#else
#define BUFFERS THREADS
#endif
chan buffer[BUFFERS] = [4] of { mtype, byte, byte };

#define isDrained(me) empty(buffer[me])

inline plainStore(me, word, index, value) {
  buffer[me]!word, index, value
}

inline land() {
  if
  :: word == Ring -> ring[index] = value
  :: word == Taken -> taken[index] = value
#ifdef PLAIN_TAIL
  :: word == Tail -> tail[index] = value
#endif
#ifdef PLAIN_HEAD
  :: word == Head -> head[index] = value
#endif
#ifdef PLAIN_WAITING
  :: word == Waiting -> waiting[index] = value
#endif
#ifdef PLAIN_SLEEPING
  :: word == Sleeping -> sleeping[index] = value
#endif
  fi;
  index = 0;
  value = 0
}

/* Empties the store buffers, those of dead threads too: what was stored before a death arrives. */
proctype Memory() {
  mtype word;
  byte index, value;
end_idle:
  do
  :: atomic { buffer[0]?word, index, value -> land() }
  :: atomic { buffer[1]?word, index, value -> land() }
#if THREADS > 2
  :: atomic { buffer[2]?word, index, value -> land() }
#endif
  od
}

#ifdef PORTABLE_BELL
inline ringBell(box) {
  bell[box] = 0
}
inline awaitBell(box, mayLeave) {
  if
  :: atomic { sleeping[box] -> bell[box] = 1 };
    !bell[box] || (mayLeave)
  :: !sleeping[box]
  fi
}
#else
inline ringBell(box) {
  bell[box] = 1
}
inline awaitBell(box, mayLeave) {
  atomic { bell[box] || (mayLeave) -> bell[box] = 0 }
}
#endif

/* Outbox.wake, after the ready bit is set.
 * SYNC sleep-check: pairs with sleep-check in park. */
inline ringIfAsleep(me, box, wasAsleep) {
  if
  :: !sleeping[box]
  :: else ->
    atomic { isDrained(me) -> wasAsleep = sleeping[box]; sleeping[box] = 0 };
    if
    :: atomic { wasAsleep -> ringBell(box); wasAsleep = 0 }
    :: else
    fi
  fi
}

/* Outbox.wake.
 * SYNC ready-set: pairs with ready-set in the consumer's take. */
inline wake(me, box, bits, wasAsleep) {
#ifdef SLEEP_CHECK_FIRST
  ringIfAsleep(me, box, wasAsleep);
#endif
  if
  :: ready[box] & bits
  :: else ->
    atomic { isDrained(me) -> ready[box] = ready[box] | bits };
#ifndef SLEEP_CHECK_FIRST
    ringIfAsleep(me, box, wasAsleep)
#endif
  fi
}

/* Inbox.tryPark, the wait in the event loop, Inbox.unpark.
 * SYNC sleep-check: pairs with sleep-check in ringIfAsleep.
 * `mayLeave` is no part of the protocol: a blocked thread may go home once all is done, so every
 * other way of staying blocked is an invalid end state. */
inline park(me, box, leftover, mayLeave) {
#ifdef PLAIN_SLEEPING
  plainStore(me, Sleeping, box, 1);
#else
  atomic { isDrained(me) -> sleeping[box] = 1 };
#endif
  if
#if defined(LEFTOVER_FORGOTTEN)
  :: ready[box] != 0
#elif !defined(NO_RECHECK)
  :: ready[box] != 0 || leftover != 0
#endif
  :: else -> awaitBell(box, mayLeave)
  fi;
  atomic { isDrained(me) -> sleeping[box] = 0 }
}

inline announceTo(me, box) {
#ifdef ANNOUNCEMENT_RINGS_FIRST
  ringBell(box);
#endif
#if defined(REPLACEMENT_NEVER_SCANS)
  if
  :: me != box -> atomic { isDrained(me) -> ready[box] = ALL_READY }
  :: else
  fi;
#elif !defined(ANNOUNCEMENT_ONLY_RINGS)
  atomic { isDrained(me) -> ready[box] = ALL_READY };
#endif
#if defined(PORTABLE_BELL) && !defined(ANNOUNCEMENT_ONLY_NOTIFIES)
  /* Who is about to wait on the sleeping word finds it changed. */
  atomic { isDrained(me) -> sleeping[box] = 0 };
#endif
#ifndef ANNOUNCEMENT_RINGS_FIRST
  ringBell(box)
#else
  skip
#endif
}

/* The cleanup hook of the dying thread itself: the dead word and the counter, then for every inbox
 * all ready bits, then its bell. It may come long after the death, and nobody helps. */
inline announce(me) {
#if defined(NO_ANNOUNCEMENT) || defined(ANNOUNCED_BY_MAIN)
  skip
#else
  atomic { isDrained(me) -> deaths++ };
  announceTo(me, 0);
#if INBOXES > 1
  announceTo(me, 1)
#else
  skip
#endif
#endif
}

/* Thread 0 of the engine, the supervisor: its user may block it for as long as this run lasts. */
proctype Main() {
#ifdef ANNOUNCED_BY_MAIN
  if
  :: killed != NOBODY -> announceTo(MAIN, 0)
  :: true
  fi;
#endif
end_blocked:
  false
}
