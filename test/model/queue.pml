/* A work queue loses no job, and no claim that was taken back still counts.
 *
 *   Producer ── two jobs ──► two slots, each with its state word ◄── two consumers
 *
 * Both consumers claim, acknowledge, fail and look for what is overdue; when a claim is overdue is
 * free here. Consumer 1 may be killed before any of its steps, consumer 2 is there to the end. With
 * ONE_THREAD both are consumers of one thread, which lives: only the attempt tells their claims
 * apart.
 *
 * Whatever moves a state word is an Atomics operation, or is behind the store of the tail, and here
 * one step with it; so each step acts on memory at once. Which slots are looked at (rings, heads,
 * due words) and who is woken is free: a consumer rests only while there is nothing to do for it in
 * any slot. One that rests for ever is an invalid end state.
 */

#define JOBS 2
#define ATTEMPTS_MAX 3

#define Free 0
#define Ready 1
#define Waiting 2
#define Claimed 3
#define Held 4
#define Dead 5

/* A state word: kind, thread, attempt, generation. */
#define wordOf(k, o, a, g) ((k) + 8 * (o) + 32 * (a) + 128 * (g))
#define kindOf(x) ((x) % 8)
#define ownerOf(x) ((x) / 8 % 4)
#define attemptOf(x) ((x) / 32 % 4)
#define generationOf(x) ((x) / 128)

short word[2];
short stamp[2]; /* the tag: the claim whose end has been written */
byte job[2];    /* what lies in the slot */
bit isDead;     /* consumer 1, as all can see */

/* Only for assertions. */
byte attempts[JOBS];  /* of the latest claim */
bit isSettled[JOBS];  /* acknowledged, or dead after its last attempt */
#define isAllSettled (isSettled[0] && isSettled[1])

#define isReady(s) (kindOf(word[s]) == Ready || kindOf(word[s]) == Waiting)
#define isStamped(s) (kindOf(word[s]) == Claimed && stamp[s] == word[s])
#ifdef HELD_NOT_REPAIRED
#define isOwned(s) (kindOf(word[s]) == Claimed)
#else
#define isOwned(s) (kindOf(word[s]) == Claimed || kindOf(word[s]) == Held)
#endif
#ifdef REPAIR_WITHOUT_PROOF
#define isLeft(s) (isOwned(s) && ownerOf(word[s]) != self)
#else
#define isLeft(s) (isOwned(s) && ownerOf(word[s]) == 1 && isDead)
#endif

/* Reads the word of a slot of which `is` holds; waits until there is one. */
#define find(is) \
  is(0) || is(1) -> \
  if \
  :: is(0) -> s = 0 \
  :: is(1) -> s = 1 \
  fi; \
  w = word[s]

/* Where consumer 1 may die: a way out of each step. KILLED_AT proves that each is taken. */
#ifdef ONE_THREAD
#define mayDie(where)
#elif defined(KILLED_AT)
#define mayDie(where) :: self == 1 -> assert(where != KILLED_AT); goto dead
#else
#define mayDie(where) :: self == 1 -> skip; goto dead
#endif

proctype Producer() {
  byte next, s;
  do
  :: next < JOBS ->
    /* SYNC slot-free: pairs with slot-free in acknowledge. */
    if
    :: kindOf(word[0]) == Free -> s = 0
    :: kindOf(word[1]) == Free -> s = 1
    fi;
    job[s] = next;
    word[s] = word[s] + Ready;
    next++
  :: else -> break
  od
}

/* JobClaims.#claimWord and #stampAll. */
inline claim() {
  if
#ifdef CLAIM_BY_STORE
  :: atomic { true ->
#else
  :: atomic { word[s] == w ->
#endif
      /* SYNC slot-claim: one of all who want it gets it. */
      assert(attemptOf(w) < ATTEMPTS_MAX);
      w = wordOf(Claimed, owner, attemptOf(w) + 1, generationOf(w));
      word[s] = w;
      claimed = job[s];
      assert(!isSettled[claimed]);
      attempts[claimed]++;
      /* No two have one attempt. */
      assert(attempts[claimed] == attemptOf(w));
      isOurs = 1
    }
#ifndef CLAIM_BY_STORE
  :: atomic { word[s] != w -> isOurs = 0 }
#endif
  mayDie(2)
  fi;
  if
  :: isOurs ->
    if
    :: stamp[s] = w
    mayDie(3)
    fi;
    handle()
  :: else
  fi
}

/* A handler, and what becomes of its job. */
inline handle() {
#ifndef FREED_BEFORE_READ
  if
  :: handled = job[s]
  mayDie(4)
  fi;
#endif
  if
  :: acknowledge()
  :: giveBack()
  fi
}

/* JobLedger.finish. */
#ifdef ACK_WITHOUT_ATTEMPT
#define isStillOurs \
  (kindOf(word[s]) == Claimed && ownerOf(word[s]) == owner && \
    generationOf(word[s]) == generationOf(w))
#else
#define isStillOurs (word[s] == w)
#endif
#define free(s) word[s] = wordOf(Free, 0, 0, generationOf(w) + 1)

inline acknowledge() {
#ifdef ACK_BY_STORE
  isOurs = isStillOurs;
  if
  :: isOurs -> atomic { free(s); settle() }
  :: else
  fi
#elif defined(FREED_BEFORE_READ)
  if
  :: atomic { isStillOurs -> free(s) }; atomic { handled = job[s]; settle() }
  :: atomic { !isStillOurs -> skip }
  mayDie(5)
  fi
#else
  if
  :: atomic { isStillOurs -> free(s); settle() }
  :: atomic { !isStillOurs -> skip }
  mayDie(5)
  fi
#endif
}

/* The job that was handled is the one that was claimed, and by its latest claim, once. */
inline settle() {
  assert(handled == claimed);
  assert(attempts[claimed] == attemptOf(w));
  assert(!isSettled[claimed]);
  isSettled[claimed] = 1
}

/* JobLedger.giveBack: of a failed job, an overdue one, or one of a dead thread. */
inline giveBack() {
  if
  :: atomic { word[s] == w ->
      w = wordOf(Held, owner, attemptOf(w), generationOf(w)); word[s] = w
    };
    if
    :: atomic {
        if
        :: attemptOf(w) < ATTEMPTS_MAX ->
          word[s] = wordOf(Waiting, 0, attemptOf(w), generationOf(w))
        :: else ->
          word[s] = wordOf(Dead, 0, attemptOf(w), generationOf(w));
          claimed = job[s];
          assert(!isSettled[claimed]);
          isSettled[claimed] = 1
        fi
      }
    mayDie(7)
    fi
  :: atomic { word[s] != w -> skip }
  mayDie(6)
  fi
}

proctype Consumer(byte self; byte owner) {
  byte s, claimed, handled;
  short w;
  bit isOurs;
  do
  :: isAllSettled -> break
  :: atomic { find(isReady) }; claim()
  :: atomic { find(isStamped) }; giveBack()
#if !defined(ONE_THREAD) && !defined(REPAIR_FORGOTTEN)
  /* JobLedger.repair */
  :: atomic { find(isLeft) }; giveBack()
#endif
  mayDie(1)
  od;
  /* Nothing is left behind. */
  assert(kindOf(word[0]) == Free || kindOf(word[0]) == Dead);
  assert(kindOf(word[1]) == Free || kindOf(word[1]) == Dead);
#ifndef ONE_THREAD
  goto end;
dead:
  /* The announcement, at once or long after. */
  isDead = 1;
end:
  skip
#endif
}

init {
  atomic {
    run Producer();
#ifdef ONE_THREAD
    run Consumer(1, 1);
    run Consumer(2, 1)
#else
    run Consumer(1, 1);
    run Consumer(2, 2)
#endif
  }
}
