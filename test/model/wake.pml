/* Nobody sleeps through a message: two producers, one inbox, a death anywhere.
 *
 *   thread 1 ── link 0 ──┐
 *                        ├── inbox 0 (ready, sleeping, bell) ── thread 0, and its replacement
 *   thread 2 ── link 1 ──┘
 *
 * Rings are large enough that no producer ever waits; room.pml is about that. Every frame is one
 * unit; producer 1 sends two of them, in one batch or two, producer 2 sends one. At most one thread
 * is killed, at any step; a consumer is followed by its replacement.
 *
 * Held: every frame below a tail reaches the consumer, whole, in order, and once; and the consumer
 * learns of each death.
 */

#define THREADS 3
#define INBOXES 1
#define LINKS 2
#define CAPACITY 4
#define ALL_READY 3
#include "link.pml"

#define START 255
#define framesOf(link) (2 - (link))
#define stop(link) ((START + framesOf(link)) & 255)
#define slot(link, position) ((link) * CAPACITY + ((position) & (CAPACITY - 1)))
#define content(position) (((position) + 7) & 255)

byte due[LINKS]; /* the position after the last frame that was handled */
bit isLost;      /* a dead consumer had taken a frame and not handled it */

/* RingWriter.claim and commit (the record), RingWriter.publish, Outbox.wake. */
proctype Producer(byte link) {
  byte next = START;
  bit wasAsleep;
  {
    do
    :: next != stop(link) ->
#ifndef TAIL_BEFORE_RECORD
      atomic {
        plainStore(link + 1, Ring, slot(link, next), content(next));
        next++
      };
#else
      next++;
#endif
      if
      :: next != stop(link) /* the batch gathers */
#if defined(READY_BEFORE_TAIL)
      :: wake(link + 1, 0, 1 << link, wasAsleep);
        atomic { isDrained(link + 1) -> tail[link] = next }
#elif defined(PLAIN_TAIL)
      :: plainStore(link + 1, Tail, link, next);
        wake(link + 1, 0, 1 << link, wasAsleep)
#else
      :: /* SYNC tail-publish: pairs with tail-publish in Consumer. */
        atomic { isDrained(link + 1) -> tail[link] = next };
#ifdef TAIL_BEFORE_RECORD
        plainStore(link + 1, Ring, slot(link, next - 1), content(next - 1));
#endif
        wake(link + 1, 0, 1 << link, wasAsleep)
#endif
      fi
    :: else -> break
    od
  } unless {
    atomic { killed == link + 1 -> next = 0; wasAsleep = 0 };
    announce(link + 1)
  };
  finished[link + 1] = 1
}

#define isAllDone \
  (finished[1] && finished[2] && at[0] == tail[0] && at[1] == tail[1] && known == deaths)

/* The frame that ends at `end` reaches its handler: whole, in order, and not for a second time. A
 * frame may be missing only where a consumer died between taking and handling it. */
inline handle(link, end) {
  assert(ring[slot(link, end - 1)] == content(end - 1));
  if
  :: distance(end, due[link]) == 1
  :: else ->
    assert(distance(end, due[link]) == 2 && isReplacement && !isLost);
    isLost = 1
  fi;
  due[link] = end
}

/* Inbox.drain with RingReader.poll, Inbox.tryPark, and around again. */
proctype Consumer(bit isReplacement) {
  byte at[LINKS];
  byte bits, link, seen, known;
  {
    atomic {
      isDrained(0);
      known = deaths;
      at[0] = (distance(taken[0], head[0]) < 128 -> taken[0] : head[0]);
      at[1] = (distance(taken[1], head[1]) < 128 -> taken[1] : head[1]);
#if defined(REPLACEMENT_NEVER_SCANS) || defined(REPLACEMENT_TRUSTS_ANNOUNCEMENT)
      bits = (isReplacement -> 0 : ALL_READY)
#else
      bits = ALL_READY
#endif
    };
    do
    :: isAllDone -> break
    :: /* SYNC ready-set: pairs with ready-set in wake. Taken before the tails are read, and before
          the deaths: read at once is the worst case of read later. */
#if defined(READY_CLEARED_AFTER_DRAIN)
      atomic { !isAllDone -> bits = bits | ready[0]; known = deaths };
#elif defined(DEATHS_NOTED_FIRST)
      atomic { !isAllDone -> known = deaths };
      atomic { isDrained(0) -> bits = bits | ready[0]; ready[0] = 0 };
#else
      atomic {
        isDrained(0) && !isAllDone -> bits = bits | ready[0]; ready[0] = 0; known = deaths
      };
#endif
      do
      :: bits == 0 -> break
      :: atomic {
          bits != 0;
          if
          :: bits & 1 -> link = 0
          :: bits & 2 -> link = 1
          fi;
          /* SYNC tail-publish: pairs with tail-publish in Producer. */
          seen = tail[link];
          assert(distance(seen, at[link]) <= CAPACITY)
        };
        do
        :: atomic { at[link] == seen -> bits = bits & ~(1 << link); break }
        :: atomic {
            at[link] != seen -> at[link]++;
            plainStore(0, Taken, link, at[link])
          };
          atomic {
            handle(link, at[link]);
            if
            :: true
            :: true -> break /* the budget is spent: the bit stays in our private mask */
            fi
          }
        od;
        atomic {
          isDrained(0) -> head[link] = at[link]; link = 0; seen = 0;
          if
          :: bits != 0
          :: true -> break
          fi
        }
      od;
#ifdef READY_CLEARED_AFTER_DRAIN
      atomic { isDrained(0) -> ready[0] = 0 };
#endif
      park(0, 0, bits, isAllDone)
    od
  } unless {
    atomic {
      killed == 0 && !isReplacement ->
      at[0] = 0; at[1] = 0; bits = 0; link = 0; seen = 0; known = 0;
#ifdef PORTABLE_BELL
      bell[0] = 0;
#endif
      run Consumer(1)
    };
    announce(0)
  }
}

init {
  atomic {
    tail[0] = START; head[0] = START; taken[0] = START; due[0] = START;
    tail[1] = START; head[1] = START; taken[1] = START; due[1] = START;
    run Memory();
    run Main();
    run Producer(0);
    run Producer(1);
    run Consumer(0)
  };
  if
  :: true
  :: killed = 0
  :: killed = 1
  :: killed = 2
  fi
}
