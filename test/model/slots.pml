/* A work queue loses no job: one producer's lane, two consumers, a death anywhere.
 *
 *   thread 0 ── adds ──► lane: states, ring, tail ◄── claim, settle, sweep ── threads 1 and 2
 *
 * Two jobs in SLOTS slots; with one slot the second job takes it after the first, with two both may
 * be under way. A consumer holds up to two claims. One claim may be overdue, and one delivery may
 * fail. At most one thread is killed, at any step: the producer, or consumer 1; with SUCCESSOR
 * another takes the place of consumer 1, and consumer 2 takes no part. With ORDERED both jobs have
 * one key.
 *
 * All words are moved by Atomics operations, or are plain and behind one (a slot's job and its
 * entry behind the tail, when it is due behind its state), so each step acts on memory at once.
 *
 * Held: every job that was published is finished, once and by the claim that was the last to get
 * it; attempts count up by one; nobody takes a job that waits before its time is written; of one
 * key one job is under way, and the first comes first; nobody rests while there is a job to take.
 */

#ifndef SLOTS
#define SLOTS 2
#endif
#define JOBS 2
#define NOBODY 9
#define NONE 9
#define HANDS 2

#define Free 0
#define Ready 1
#define Waiting 2
#define Claimed 3
#define Held 4

/* The state word of each slot: its four parts are only ever touched together. */
byte kind[SLOTS];
byte owner[SLOTS];
byte attempt[SLOTS];
byte generation[SLOTS];
/* What lies in the slot. */
byte job[SLOTS];
bit isDueWritten[SLOTS];

byte entrySlot[JOBS];
byte entryGeneration[JOBS];
byte tail;
byte head;
byte lock; /* 0, or 1 + slot + SLOTS × generation */

bit idle[3];
bit woken[3];
bit isDead[3];
byte deaths;
byte killed = NOBODY;

byte failuresLeft = 1;
byte overdueLeft = 1;

/* Only for assertions. */
bit isPublished[JOBS];
bit isFinished[JOBS];
byte attempts[JOBS];
byte latest[JOBS]; /* thread × 4 + hand of the latest claim, from 1 */
bit hasProducerEnded;

#define isAllDone \
  (hasProducerEnded && isFinished[0] == isPublished[0] && isFinished[1] == isPublished[1])

#define lockOf(s, g) (1 + (s) + SLOTS * (g))

/* QueueSignals.takeIdle, and the wake. */
inline wakeOne(t) {
  if
  :: atomic { idle[1] -> idle[1] = 0; t = 1 }; woken[1] = 1
  :: atomic { idle[2] -> idle[2] = 0; t = 2 }; woken[2] = 1
  :: atomic { !idle[1] && !idle[2] -> t = 0 }
  fi;
  t = 0
}

/* LaneWriter.take, commit, publish; Producer.flush. */
proctype Producer() {
  byte next = 0, at = 0, s = 0, t = 0;
  {
    do
    :: next < JOBS ->
      if
      :: atomic { kind[0] == Free -> s = 0 }
#if SLOTS > 1
      :: atomic { kind[1] == Free -> s = 1 }
#endif
      fi;
#ifdef TAIL_BEFORE_JOB
      atomic { tail = next + 1; isPublished[next] = 1 };
#endif
      atomic { job[s] = next; attempt[s] = 0; kind[s] = Ready };
      atomic { entrySlot[next] = s; entryGeneration[next] = generation[s]; next++ };
#ifndef TAIL_BEFORE_JOB
#ifdef IDLE_BEFORE_TAIL
      wakeOne(t);
#endif
      if
#if SLOTS > 1
      :: next < JOBS /* the batch gathers */
#endif
      :: /* SYNC queue-tail: pairs with queue-tail in look. */
        atomic {
          tail = next;
          do
          :: at < next -> isPublished[at] = 1; at++
          :: else -> break
          od
        };
#ifndef IDLE_BEFORE_TAIL
        wakeOne(t)
#endif
      fi
#else
      wakeOne(t)
#endif
    :: else -> break
    od;
    atomic { hasProducerEnded = 1; next = 0; at = 0; s = 0 }
  } unless {
    atomic { killed == 0 -> isDead[0] = 1; deaths++; next = 0; at = 0; s = 0; t = 0 };
    atomic { woken[1] = 1; woken[2] = 1; hasProducerEnded = 1 }
  }
}

/* JobClaims: the claim of slot s, whose word was read as kind k, attempt a, generation g. */
inline claimWord(k, a, g) {
  atomic {
    if
#ifdef CLAIM_WITHOUT_COMPARING
    :: true ->
#else
    :: kind[s] == k && attempt[s] == a && generation[s] == g ->
#endif
      assert(k != Waiting || isDueWritten[s]);
      kind[s] = Claimed; owner[s] = self; attempt[s] = a + 1;
      assert(!isFinished[job[s]]);
      attempts[job[s]]++;
      assert(attempts[job[s]] == attempt[s]);
#ifdef ORDERED
      assert(job[s] == 0 || isFinished[0] || !isPublished[0]);
#endif
      hand = (handSlot[0] == NONE -> 0 : 1);
      handSlot[hand] = s; handAttempt[hand] = a + 1; handGeneration[hand] = g;
      latest[job[s]] = self * 4 + hand;
      hand = 0; got = 1
    :: else
    fi
  }
}

/* KeyLocks.take: sets ours. */
inline takeLock(g) {
#ifdef ORDERED
  ours = 0;
  if
#ifndef REFUSAL_FORGOTTEN
  :: isRefused
#endif
  :: else ->
    known = lock;
    if
    :: known == lockOf(s, g) -> ours = 1
    :: else ->
      /* #isHeld: a lock whose job is gone, or that waits as the mutant has it, is free. */
      atomic {
        if
        :: known == 0
#ifdef LOCK_OF_CLAIMS_ONLY
        :: known != 0 && kind[(known - 1) % SLOTS] != Claimed -> skip
#endif
        :: known != 0 && (kind[(known - 1) % SLOTS] == Free ||
            generation[(known - 1) % SLOTS] != (known - 1) / SLOTS) -> skip
        :: else -> isRefused = 1
        fi
      };
      if
      :: isRefused
      :: else ->
        atomic {
          if
          :: lock == known -> lock = lockOf(s, g); ours = 1
          :: else -> isRefused = 1
          fi
        }
      fi
    fi
  fi;
  known = 0
#else
  ours = 1
#endif
}

#define isWord(k) (kind[s] == (k) && attempt[s] == a && generation[s] == g)
#define hasHand (handSlot[0] == NONE || handSlot[1] == NONE)

/* JobLedger.giveBack, of a claim or a held job whose owner o had attempt a, generation g. */
inline giveBack(k, o) {
#ifdef WAITING_BEFORE_DUE
  atomic {
    if
    :: isWord(k) && owner[s] == o -> isDueWritten[s] = 0; kind[s] = Waiting; moved = 1
    :: else
    fi
  };
  if
  :: moved -> isDueWritten[s] = 1
  :: else
  fi;
#else
  atomic {
    if
    :: isWord(k) && owner[s] == o ->
      kind[s] = Held; owner[s] = self; isDueWritten[s] = 0; moved = 1
    :: else
    fi
  };
  if
  :: moved ->
    isDueWritten[s] = 1;
    atomic { kind[s] = Waiting; owner[s] = 0 }
  :: else
  fi;
#endif
  moved = 0
}

/* JobLedger.repair, after a death. */
inline repair(isOwn) {
  s = 0;
  do
  :: s < SLOTS ->
    atomic { k = kind[s]; a = attempt[s]; g = generation[s]; o = owner[s] };
    if
    :: k == Claimed && (isDead[o] || isOwn && o == self) -> giveBack(Claimed, o)
#ifndef HELD_NOT_REPAIRED
#ifdef REPAIR_WITHOUT_PROOF
    :: k == Held && o != self -> giveBack(Held, o)
#else
    :: k == Held && (isDead[o] || isOwn && o == self) -> giveBack(Held, o)
#endif
#endif
    :: else
    fi;
    s++
  :: else -> break
  od;
  atomic { s = 0; k = 0; a = 0; g = 0; o = 0 }
}

/* JobClaims.claim: one job, from the ring or because it is due. Sets got. */
inline look() {
  got = 0;
#ifdef ORDERED
  isRefused = 0;
#endif
  from = head;
  /* SYNC queue-tail: pairs with queue-tail in Producer. */
  atomic { to = tail; at = from; behind = from };
#ifdef HEAD_BEFORE_CLAIM
  atomic {
    if
    :: head == from && at < to -> head = from + 1
    :: else
    fi
  };
#endif
  do
  :: at < to && !got ->
    atomic {
      s = entrySlot[at]; k = kind[s]; a = attempt[s]; g = generation[s];
#ifndef STALE_ENTRY_TRUSTED
      k = (g == entryGeneration[at] -> k : Free)
#endif
    };
    if
    :: k == Ready ->
      takeLock(g);
      if
      :: ours -> claimWord(Ready, a, g)
      :: else
      fi
    :: else -> ours = 1
    fi;
    atomic {
#ifdef HEAD_PASSES_REFUSED
      ours = 1;
#endif
      if
      :: ours && behind == at -> behind++
      :: else
      fi;
      at++; ours = 0
    }
  :: else -> break
  od;
  atomic {
    if
    :: head == from -> head = behind
    :: else
    fi;
    at = 0; to = 0; from = 0; behind = 0; s = 0
  };
  do
  :: s < SLOTS && !got ->
    atomic { k = kind[s]; a = attempt[s]; g = generation[s]; o = owner[s] };
    if
    :: k == Waiting ->
#ifdef ORDERED
      isRefused = 0;
#endif
      takeLock(g);
      if
      :: ours -> claimWord(Waiting, a, g)
      :: else
      fi;
      ours = 0
#ifdef REPAIR_WITHOUT_PROOF
    :: k == Held && o != self -> giveBack(Held, o)
#endif
    :: else
    fi;
    s++
  :: else -> break
  od;
  atomic { s = 0; k = 0; a = 0; g = 0; o = 0; ours = 0 }
}

/* A sweep that finds a claim overdue. */
inline expire() {
  atomic {
    s = 0;
    if
    :: kind[0] == Claimed -> s = 0
#if SLOTS > 1
    :: kind[1] == Claimed -> s = 1
#endif
    fi;
    a = attempt[s]; g = generation[s]; o = owner[s]; overdueLeft--
  };
  giveBack(Claimed, o);
  atomic { s = 0; a = 0; g = 0; o = 0 }
}

/* JobLedger.finish, of the claim in a hand. */
inline finish() {
  atomic {
    s = handSlot[hand]; a = handAttempt[hand]; g = handGeneration[hand];
    handSlot[hand] = NONE; handAttempt[hand] = 0; handGeneration[hand] = 0
  };
#ifdef FINISH_WITHOUT_CAS
  moved = isWord(Claimed) && owner[s] == self;
  if
  :: moved ->
    atomic {
      assert(latest[job[s]] == self * 4 + hand && kind[s] == Claimed);
      isFinished[job[s]] = 1; kind[s] = Free; owner[s] = 0; attempt[s] = 0;
      generation[s]++
    }
  :: else
  fi;
#else
  atomic {
    if
#ifdef NO_ATTEMPT
    :: kind[s] == Claimed && owner[s] == self && generation[s] == g ->
#else
    :: isWord(Claimed) && owner[s] == self ->
#endif
      assert(latest[job[s]] == self * 4 + hand);
      isFinished[job[s]] = 1; kind[s] = Free; owner[s] = 0; attempt[s] = 0;
      generation[s]++
    :: else
    fi
  };
#endif
  atomic { s = 0; a = 0; g = 0; hand = 0; moved = 0 }
}

inline fail() {
  atomic {
    s = handSlot[hand]; a = handAttempt[hand]; g = handGeneration[hand]; failuresLeft--;
    handSlot[hand] = NONE; handAttempt[hand] = 0; handGeneration[hand] = 0
  };
  giveBack(Claimed, self);
  atomic { s = 0; a = 0; g = 0; hand = 0 }
}

/* A QueuePort with a consumer. */
proctype Consumer(byte self; bit isSuccessor) {
  byte handSlot[HANDS], handAttempt[HANDS], handGeneration[HANDS];
  byte s, k, a, g, o, at, from, to, behind, known, hand, seen, t;
  bit got, ours, moved, isRefused;
  {
    atomic { handSlot[0] = NONE; handSlot[1] = NONE };
    if
    :: isSuccessor ->
#ifndef SUCCESSOR_TRUSTS_OTHERS
      repair(1);
#endif
      /* SYNC queue-opened: what bears our number is ours from here on. */
      isDead[self] = 0
    :: else
    fi;
    do
    :: isAllDone && handSlot[0] == NONE && handSlot[1] == NONE -> break
    :: atomic { handSlot[0] != NONE -> hand = 0 }; finish()
    :: atomic { handSlot[1] != NONE -> hand = 1 }; finish()
    :: atomic { handSlot[0] != NONE && failuresLeft > 0 -> hand = 0 }; fail()
    :: atomic { overdueLeft > 0 && (kind[0] == Claimed
#if SLOTS > 1
        || kind[1] == Claimed
#endif
        ) -> skip };
      if
      :: expire()
      :: atomic { kind[0] != Claimed
#if SLOTS > 1
          && kind[1] != Claimed
#endif
          -> skip }
      fi
    :: atomic { !isAllDone && hasHand -> woken[self] = 0; moved = (seen != deaths); seen = deaths };
      if
      :: moved ->
        moved = 0;
#ifndef NO_REPAIR
        atomic { idle[1] = idle[1] && !isDead[1]; idle[2] = idle[2] && !isDead[2] };
        repair(0)
#endif
      :: else
      fi;
      look();
      if
      :: got -> got = 0; wakeOne(t)
      :: else ->
        if
        :: handSlot[0] != NONE || handSlot[1] != NONE /* not idle: it will look again */
        :: else ->
          /* SYNC queue-idle: pairs with queue-idle in wakeOne. Idle, then one more look. */
          idle[self] = 1;
#ifndef NO_RECHECK
          look();
#endif
          if
          :: got -> got = 0; idle[self] = 0
          :: else ->
            if
            :: atomic { woken[self] || isAllDone -> woken[self] = 0 }
            fi;
            idle[self] = 0
          fi
        fi
      fi
    od
  } unless {
    atomic {
      killed == self && !isSuccessor ->
      isDead[self] = 1; deaths++;
      handSlot[0] = NONE; handSlot[1] = NONE; handAttempt[0] = 0; handAttempt[1] = 0;
      handGeneration[0] = 0; handGeneration[1] = 0;
      s = 0; k = 0; a = 0; g = 0; o = 0; at = 0; from = 0; to = 0; behind = 0; known = 0;
      hand = 0; seen = 0; t = 0; got = 0; ours = 0; moved = 0; isRefused = 0
    };
#ifdef SUCCESSOR
    run Consumer(self, 1);
#endif
#ifndef NO_ANNOUNCEMENT
    atomic { woken[1] = 1; woken[2] = 1 }
#endif
  }
}

init {
  atomic {
    if
    :: true
    :: killed = 0
    :: killed = 1
    fi;
    run Producer();
    run Consumer(1, 0);
#ifndef SUCCESSOR
    run Consumer(2, 0)
#endif
  }
}
