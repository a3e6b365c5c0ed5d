/* A full ring always gets its producer going again: one producer, a ring of four units, positions
 * that wrap, and a consumer that may die and be replaced.
 *
 *   thread 1 ── link 0 ── inbox 0 ── thread 0, and its replacement
 *      inbox 1 ◁── the consumer's own link back: it sets a ready bit and rings
 *
 * Four frames: the first two take one or two units, the others two; a PAD fills the end before the
 * wrap, a batch holds what fits. Positions start two units below their wrap at 256. At most one
 * thread is killed, at any step; a consumer is followed by its replacement.
 *
 * Held: what wake.pml holds; and never more than a ring between head and tail, no unit written
 * over before its handler returned, no producer left waiting.
 */

#define THREADS 2
#define INBOXES 2
#define LINKS 1
#define CAPACITY 4
#define ALL_READY 1
#include "link.pml"

#define FRAMES 4
#define START 254

/* Word 0 of a frame: its number (from 1) and its units, or a PAD. The second unit: its number. */
#define PAD 3
#define word0Of(number, units) ((number) * 4 + (units))
#define numberOf(word0) ((word0) >> 2)
#define unitsOf(word0) ((word0) & 3)
#define slot(position) ((position) & (CAPACITY - 1))
#define toEnd(position) (CAPACITY - slot(position))

byte due = 1; /* number of the first frame that was not handled yet */
bit isLost;   /* a dead consumer had taken a frame and not handled it */

/* What the next frame needs now (RingWriter.claim), and what to ask for: twice its size, so that it
 * fits wherever the position stands. */
#define claimed (units <= toEnd(next) -> units : units + toEnd(next))
#define free (CAPACITY - distance(next, headSeen))
#ifdef WANTED_BEYOND_RING
#define wanted (CAPACITY + 1)
#else
#define wanted (2 * units)
#endif

inline lookAtHead() {
  headSeen = head[0];
  assert(distance(next, headSeen) <= CAPACITY)
}

/* Outbox.flush. */
inline flush() {
  if
  :: published == next
  :: else ->
    /* SYNC tail-publish: pairs with tail-publish in Consumer. */
    atomic { isDrained(1) -> tail[0] = next; published = next };
    wake(1, 0, 1, wasAsleep)
  fi
}

/* Outbox.awaitRoom with RingWriter.awaitRoom; then the thread's own inbox until it is rung. */
inline awaitRoom() {
#ifndef FULL_WITHOUT_FLUSH
  flush();
#endif
  /* SYNC room-wait: pairs with room-wait in release. */
#ifdef RETRY_WITHOUT_ASKING
  if
  :: !hasAsked -> atomic { isDrained(1) -> waiting[0] = wanted; hasAsked = 1 }
  :: else
  fi;
#elif defined(PLAIN_WAITING)
  plainStore(1, Waiting, 0, wanted);
#else
  atomic { isDrained(1) -> waiting[0] = wanted };
#endif
#ifndef ROOM_NOT_RECHECKED
  atomic { lookAtHead() };
#endif
  if
  :: atomic { free >= wanted && isDrained(1) -> waiting[0] = 0 }
  :: free < wanted ->
    park(1, 1, 0, false);
    atomic { isDrained(1) -> ready[1] = 0 }
  fi
}

proctype Producer() {
  byte next = START, published = START, headSeen = START;
  byte number = 1, units;
  bit wasAsleep;
#ifdef RETRY_WITHOUT_ASKING
  bit hasAsked;
#endif
  {
    do
    :: number > FRAMES -> break
    :: atomic {
        number <= FRAMES;
        if
        :: number <= 2 -> units = 1
        :: units = 2
        fi
      };
      do
      :: atomic {
          claimed <= free;
          if
          :: units > toEnd(next) ->
            plainStore(1, Ring, slot(next), word0Of(0, PAD));
            next = next + toEnd(next)
          :: else
          fi;
          plainStore(1, Ring, slot(next), word0Of(number, units));
          if
          :: units == 2 -> plainStore(1, Ring, slot(next + 1), number)
          :: else
          fi;
          next = next + units; number++; units = 0;
          break
        }
      :: atomic { claimed > free -> lookAtHead() };
        if
        :: claimed <= free
        :: else -> awaitRoom()
        fi
      od;
      if
      :: number <= FRAMES /* the batch gathers */
      :: true -> flush()
      fi
    od
  } unless {
    atomic {
      killed == 1 -> next = 0; published = 0; headSeen = 0; number = 0; units = 0; wasAsleep = 0
    };
    announce(1)
  };
  finished[1] = 1
}

#define isAllDone (finished[1] && at == tail[0])

/* RingReader.release, then the engine's onRoom: Outbox.wake on the way back. */
inline release() {
  /* SYNC room-wait: pairs with room-wait in awaitRoom. */
  asked = waiting[0];
  if
  :: asked == 0
  :: asked != 0 ->
    atomic {
      used = distance(tail[0], at);
#ifdef EMPTY_CASE_DROPPED
      isRoom = (CAPACITY - used >= asked);
#else
      isRoom = (used == 0 || CAPACITY - used >= asked);
#endif
      used = 0; asked = 0
    };
    if
    :: !isRoom
    :: atomic { isRoom && isDrained(0) -> isRoom = (waiting[0] != 0); waiting[0] = 0 };
      if
      :: !isRoom
      :: isRoom ->
        isRoom = 0;
#ifdef ROOM_RINGS_WITHOUT_READY
        ringIfAsleep(0, 1, wasAsleep)
#else
        wake(0, 1, 1, wasAsleep)
#endif
      fi
    fi
  fi
}

/* The frame with this word 0 reaches its handler; `position` is its first unit. */
inline handle(word0, position) {
  assert(unitsOf(word0) == 1 || ring[slot(position + 1)] == numberOf(word0));
  if
  :: numberOf(word0) == due
  :: else ->
    assert(numberOf(word0) == due + 1 && isReplacement && !isLost);
    isLost = 1
  fi;
  due = numberOf(word0) + 1
}

inline take(position) {
  plainStore(0, Taken, 0, position)
}

proctype Consumer(bit isReplacement) {
  byte at, seen, word0, asked, used;
  bit leftover, wasAsleep, isRoom;
  {
    atomic {
      isDrained(0);
#ifdef REPLACEMENT_FROM_HEAD
      at = head[0];
#else
      at = (distance(taken[0], head[0]) < 128 -> taken[0] : head[0]);
#endif
#ifndef REPLACEMENT_KEEPS_OLD_HEAD
      head[0] = at;
#endif
#if defined(REPLACEMENT_NEVER_SCANS) || defined(REPLACEMENT_TRUSTS_ANNOUNCEMENT)
      leftover = !isReplacement
#else
      leftover = 1
#endif
    };
    do
    :: isAllDone -> break
    :: atomic { isDrained(0) && !isAllDone -> leftover = leftover | ready[0]; ready[0] = 0 };
      if
      :: !leftover
      :: atomic {
          /* SYNC tail-publish: pairs with tail-publish in flush. */
          leftover -> seen = tail[0];
          assert(distance(seen, at) <= CAPACITY)
        };
        if
        :: atomic { at == seen -> leftover = 0; seen = 0 }
        :: else ->
          do
          :: atomic { at == seen -> leftover = 0; break }
          :: atomic {
              at != seen -> word0 = ring[slot(at)];
              if
              :: word0 == word0Of(0, PAD) -> at = at + toEnd(at); take(at); word0 = 0
              :: else ->
                assert(unitsOf(word0) == 1 || unitsOf(word0) == 2);
                assert(unitsOf(word0) <= distance(seen, at) && unitsOf(word0) <= toEnd(at));
                at = at + unitsOf(word0);
#ifndef TAKEN_AFTER_HANDLING
                take(at)
#endif
              fi
            };
#ifdef HEAD_BEFORE_HANDLING
            atomic { isDrained(0) -> head[0] = at };
#endif
            if
            :: word0 == 0
            :: atomic {
                word0 != 0 -> handle(word0, at - unitsOf(word0)); word0 = 0;
#ifdef TAKEN_AFTER_HANDLING
              };
              atomic {
                take(at);
#endif
                if
                :: true
                :: true -> break /* the budget is spent */
                fi
              }
            fi
          od;
#ifdef PLAIN_HEAD
          atomic { plainStore(0, Head, 0, at); seen = 0 }
#else
          atomic { isDrained(0) -> head[0] = at; seen = 0 }
#endif
        fi;
        release()
      fi;
      park(0, 0, leftover, isAllDone)
    od
  } unless {
    atomic {
      killed == 0 && !isReplacement ->
      at = 0; seen = 0; word0 = 0; asked = 0; used = 0; leftover = 0; wasAsleep = 0; isRoom = 0;
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
    tail[0] = START; head[0] = START; taken[0] = START;
    run Memory();
    run Main();
    run Producer();
    run Consumer(0)
  };
  if
  :: true
  :: killed = 0
  :: killed = 1
  fi
}
