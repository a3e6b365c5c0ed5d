/* A block of shared memory is not freed while somebody reads it, and not kept when nobody can.
 *
 *   Sender S ── one message ──► receivers R and Q
 *   T takes the block as well, fills it, and gives it back
 *
 * There is one block, so one waits until the other has freed it, and a reference that outlives its
 * message names a block that somebody else has. Receivers may lease what they read. S may be killed
 * before any of its steps, or R, which then has a successor; T and Q are there to the end. The main
 * thread reclaims what the dead one leaves.
 *
 * With TWO_FRAMES the message of S goes to R alone, in two frames. With TWO_SENDERS S and T both
 * send a message to R.
 *
 * What moves these words in the code is an Atomics operation, or is behind one, and here one step
 * with it; so each step acts on memory at once. Frames are private until the tail of their link
 * moves. Who is woken is not modelled: whoever waits for the block goes on as soon as it is free,
 * so a sender that waits for ever is an invalid end state, a leak.
 */

#if !defined(TWO_FRAMES) && !defined(TWO_SENDERS)
#define WITH_Q
#endif

/* Threads, each a bit. */
#define R 1
#define Q 2
#define S 4
#define T 8

#define Free 0
#define Owned 1
#define Shared 2
#define Examined 3

/* A state word: state, owner, generation. */
#define wordOf(s, o, g) ((s) + 4 * (o) + 64 * (g))
#define stateOf(x) ((x) % 4)
#define ownerOf(x) ((x) / 4 % 16)
#define generationOf(x) ((x) / 64)

short word; /* of the block, and what else stands in its record: */
byte due;   /* by receiver: a frame is under way there */
byte held;  /* by receiver: it reads in place; by sender: not all frames are out */
byte content; /* the message that lies in the block */

/* Frames on their way; a reader sees those before the tail. */
typedef Link {
  byte head, tail, next;
  byte frame[2]
}
Link link[3]; /* S to R, S to Q, T to R */
#define hasFrame(l) (link[l].head != link[l].tail)
#define frameOf(g, m, last) ((g) + 4 * (m) + 16 * (last))
#define generationIn(f) ((f) % 4)
#define messageIn(f) ((f) / 4 % 4)
#define isLastIn(f) ((f) / 16)

/* By thread: */
byte gone;   /* as all can see: S or R */
byte done;   /* senders: nothing more comes; receivers: nothing is left */
bit hasDied; /* one death in a run */
#define isDead(t) ((gone & (t)) != 0)
#define isDone(t) ((done & (t)) != 0)

/* Only for assertions: the living receivers that read the block, or may any moment. */
byte reading;

/* Where S and R may die: a way out of each step. KILLED_AT proves that each is taken. */
#ifdef KILLED_AT
#define diesAt(where) assert(where != KILLED_AT)
#else
#define diesAt(where) skip
#endif
#define mayDie(where) \
  :: atomic { isMortal && !hasDied -> hasDied = 1 }; diesAt(where); goto dead

/* ChunkTable.tryFree: `w` is from before we looked. */
#ifdef FREED_BY_STORE
#define tryFree(w) \
  atomic { true -> assert(!reading); word = wordOf(Free, 0, generationOf(w)) }
#else
#define tryFree(w) \
  atomic { \
    if \
    :: word == w -> assert(!reading); word = wordOf(Free, 0, generationOf(w)) \
    :: else \
    fi \
  }
#endif

/* ChunkTable.isUnused, in this order. */
#ifdef HELD_LOOKED_AT_FIRST
#define firstOf held
#define secondOf due
#else
#define firstOf due
#define secondOf held
#endif

/* ChunkTable.look: after a bit was cleared. */
inline look() {
  if
  :: w = word
  mayDie(1)
  fi;
  if
  :: stateOf(w) == Shared ->
    if
    :: seen = firstOf
    mayDie(2)
    fi;
    if
    :: seen = seen | secondOf
    mayDie(3)
    fi;
    if
    :: seen == 0 ->
      if
      :: tryFree(w)
      mayDie(4)
      fi
    :: else
    fi
  :: else
  fi
}

/* A frame, not to be seen yet. */
inline write(l, last) {
  d_step {
    link[l].frame[link[l].next] = frameOf(generation, message, last);
    link[l].next++
  }
}

/* ChunkPool.share: whom it is for, then that it is nobody's. */
inline note() {
  d_step {
#ifdef SENDER_HOLDS_NOT
    held = 0;
#else
    held = self;
#endif
#ifdef WITH_Q
    due = R | Q
#else
    due = R
#endif
  }
}

/* LargeSender.begin, mayWrite, end. */
inline send() {
#ifdef LOOKED_BEFORE_NOTED
  seen = isDead(R);
#endif
#ifdef SHARED_BEFORE_NOTED
  word = wordOf(Shared, self, generation);
#endif
  if
  :: note()
  mayDie(5)
  fi;
#ifndef SHARED_BEFORE_NOTED
  if
  :: word = wordOf(Shared, self, generation)
  mayDie(6)
  fi;
#endif
#ifdef NEVER_LOOKED
  seen = 0;
#elif !defined(LOOKED_BEFORE_NOTED)
  if
  :: seen = isDead(R)
  mayDie(7)
  fi;
#endif
  if
  :: seen ->
    /* ChunkPool.withdraw. R has died, so S will not. */
    due = due & ~R
#ifdef SENDER_HOLDS_NOT
    ;
    look()
#endif
  :: else ->
    if
    :: self == S ->
#ifdef TWO_FRAMES
      write(0, 0);
#ifdef FRAMES_SEEN_APART
      if
      :: link[0].tail = link[0].next
      mayDie(8)
      fi;
#endif
#endif
      write(0, 1)
#ifdef TWO_SENDERS
    :: else -> write(2, 1)
#endif
    fi
  fi;
  /* Outbox.flush, of each link. */
  if
  :: self == S ->
    if
    :: link[0].tail = link[0].next
    mayDie(8)
    fi
#ifdef WITH_Q
    ;
    write(1, 1);
    if
    :: link[1].tail = link[1].next
    mayDie(8)
    fi
#endif
#ifdef TWO_SENDERS
  :: else -> link[2].tail = link[2].next
#endif
  fi;
  /* ChunkPool.sent */
#ifndef SENDER_HOLDS_NOT
  if
  :: held = held & ~self
  mayDie(9)
  fi;
  look()
#endif
}

proctype Sender(byte self) {
  byte message, generation, seen;
  short w;
  bit isMortal;
  d_step {
    if
    :: self == S -> message = 1; isMortal = 1
    :: else -> message = 2
    fi
  };
  /* ChunkPool.take */
  if
  :: atomic {
      stateOf(word) == Free ->
#ifdef GENERATION_KEPT
      generation = 1;
#else
      generation = generationOf(word) + 1;
#endif
      w = wordOf(Owned, self, generation);
      word = w
    }
  mayDie(10)
  fi;
  if
  :: content = message
  mayDie(11)
  fi;
  if
#ifdef TWO_SENDERS
  :: send()
#else
  :: self == S -> send()
#endif
  /* A loan that is released: nobody else has touched it. */
  :: assert(word == w && content == message); tryFree(w)
  mayDie(12)
  fi;
  done = done | self;
  goto end;
dead:
  /* The announcement, at once or long after. */
  gone = gone | self;
end:
  skip
}

/* A look at the bytes. */
#define read(m) assert(content == m)

inline endReading() {
  if
  :: !isLeased -> reading = reading & ~self
  :: else
  fi
}

/* What is over makes no difference. */
inline forget() {
  l = 0; message = 0; generation = 0; seen = 0; w = 0; isLast = 0; isReadable = 0
}

#define hasFrameFor(r) \
  ((r) == R && (hasFrame(0) || hasFrame(2)) || (r) == Q && hasFrame(1))

inline findFrame() {
  if
  :: self == R && hasFrame(0) -> l = 0
#ifdef TWO_SENDERS
  :: self == R && hasFrame(2) -> l = 2
#endif
#ifdef WITH_Q
  :: self == Q && hasFrame(1) -> l = 1
#endif
  fi
}

#ifdef STATE_BEFORE_DUE
#define firstSeen w = word
#define thenSeen seen = due
#else
#define firstSeen seen = due
#define thenSeen w = word
#endif
#ifdef GENERATION_IGNORED
#define isMeant true
#else
#define isMeant (generationOf(w) == generation)
#endif
#ifdef DUE_IGNORED
#define isForUs true
#else
#define isForUs ((seen & self) != 0)
#endif

/* BlockReader.open, close; Leases.lease. */
inline receive() {
  d_step {
    generation = generationIn(link[l].frame[link[l].head]);
    message = messageIn(link[l].frame[link[l].head]);
    isLast = isLastIn(link[l].frame[link[l].head])
  };
  /* ChunkPool.accept, in this order. */
  if
  :: firstSeen
  mayDie(13)
  fi;
  if
  :: atomic {
      thenSeen;
      isReadable = stateOf(w) >= Shared && isMeant && isForUs;
      if
      :: isReadable -> reading = reading | self; read(message)
      :: else
      fi
    }
  mayDie(14)
  fi;
  if
  :: isReadable ->
    if
    :: read(message)
    mayDie(15)
    fi;
    /* ChunkPool.addLease, before the frame is done with. */
#ifdef HELD_AFTER_DUE
    if
    :: isLeased = 1; leased = message
    :: skip
    fi;
#else
    if
    :: d_step { held = held | self; isLeased = 1; leased = message }
    :: skip
    mayDie(16)
    fi;
#endif
    /* ChunkPool.finish */
    if
    :: isLast ->
      if
      :: atomic { due = due & ~self; endReading() }
      mayDie(17)
      fi;
      look()
#ifdef TWO_FRAMES
    :: else -> endReading()
#endif
    fi
#ifdef HELD_AFTER_DUE
    ;
    if
    :: isLeased -> held = held | self
    :: else
    fi
#endif
  :: else
  fi;
  if
  :: d_step { link[l].head++; forget() }
  mayDie(18)
  fi
}

proctype Receiver(byte self; bit isMortal) {
  byte l, message, generation, leased, seen;
  short w;
  bit isLast, isReadable, isLeased;
  if
  :: self == R && !isMortal ->
    /* A successor: Inbox.skipAll, open. */
    d_step { link[0].head = link[0].tail; link[2].head = link[2].tail };
    gone = gone & ~R
  :: else
  fi;
  do
  :: atomic { hasFrameFor(self) -> findFrame() }; receive()
  :: isLeased ->
    /* ChunkPool.dropLease */
    if
    :: atomic { read(leased); held = held & ~self; isLeased = 0; endReading() }
    mayDie(19)
    fi;
    look();
    d_step { leased = 0; forget() }
  :: !isLeased && isDone(S) && isDone(T) && !hasFrameFor(self) -> break
  mayDie(20)
  od;
  done = done | self;
  goto end;
dead:
  reading = reading & ~self;
  gone = gone | self;
end:
  skip
}

/* ChunkReclaim.isPublished: the last of the frames that name the block lies in the dead thread's
 * link. Nobody writes there any more, so what lies between head and tail is one look. */
#define isNaming(f) (generationIn(f) == generationOf(w) && isLastIn(f))

inline takeOffUnpublished(to, l) {
#ifdef ALL_TAKEN_OFF
  isNamed = 0;
#elif defined(UNPUBLISHED_KEPT)
  isNamed = 1;
#else
  d_step {
    isNamed = 0;
    at = link[l].head;
    do
    :: at == link[l].tail -> break
    :: else ->
      if
      :: isNaming(link[l].frame[at]) -> isNamed = 1
      :: else
      fi;
      at++
    od
  };
#endif
  if
  :: !isNamed -> due = due & ~to
  :: else
  fi
}

inline freeIfUnused() {
  seen = firstOf;
  seen = seen | secondOf;
  if
  :: seen == 0 -> tryFree(w)
  :: else
  fi
}

/* ChunkReclaim.#reclaimBlock, of a thread whose end is proven. */
inline reclaim() {
  w = word;
  if
#ifndef OWNED_FORGOTTEN
  :: stateOf(w) == Owned && ownerOf(w) == thread -> tryFree(w)
#endif
  :: stateOf(w) == Shared ->
    seen = (due | held) & thread;
    if
#ifdef UNUSED_FORGOTTEN
    :: ownerOf(w) != thread && seen == 0 -> skip
#else
    :: ownerOf(w) != thread && seen == 0 -> freeIfUnused()
#endif
    :: else ->
#ifdef NOT_EXAMINED
      isOurs = 1;
#else
      atomic {
        isOurs = word == w;
        if
        :: isOurs -> word = wordOf(Examined, ownerOf(w), generationOf(w))
        :: else
        fi
      };
#endif
      if
      :: isOurs ->
        due = due & ~thread;
        held = held & ~thread;
        if
        :: ownerOf(w) == thread ->
          seen = due;
          if
          :: seen & R -> takeOffUnpublished(R, 0)
          :: else
          fi
#ifdef WITH_Q
          ;
          if
          :: seen & Q -> takeOffUnpublished(Q, 1)
          :: else
          fi
#endif
        :: else
        fi;
#ifndef NOT_EXAMINED
        word = w;
#endif
        freeIfUnused()
      :: else
      fi
    fi
  :: else
  fi
}

#define hasDead (isDead(R) || isDead(S) && !isDone(S))

proctype Reclaimer() {
  byte thread, seen, at;
  short w;
  bit isOurs, isNamed;
  do
  :: hasDead ->
    thread = (isDead(R) -> R : S);
    reclaim();
    d_step { w = 0; seen = 0; at = 0; isOurs = 0; isNamed = 0 };
    if
    :: thread == S -> done = done | S
    :: else -> run Receiver(R, 0); !isDead(R)
    fi
  :: isDone(S) && isDone(T) && isDone(R) && isDone(Q) -> break
  od;
  assert(stateOf(word) == Free)
}

init {
  atomic {
    run Sender(S);
    run Sender(T);
    run Receiver(R, 1);
#ifdef WITH_Q
    run Receiver(Q, 0);
#else
    done = Q;
#endif
    run Reclaimer()
  }
}
