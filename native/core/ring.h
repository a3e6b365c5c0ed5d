// The byte ring of one lane of one link: a single producer, a single consumer, frames of any size.
// This is the ring of `src/ring/ring.ts`, step for step; one conformance suite runs over both, and
// either end may be in either language.
//
// `RingWriter` belongs to the producing thread, `RingReader` to the consuming one; nothing else
// touches their words. Positions count 8-byte units and run freely as u32; a distance is the signed
// difference. Each side keeps a copy of what the other last said and reads the shared word again
// only when the copy no longer suffices.
//
// The records of a batch become visible all at once, when the tail moves: a producer that dies
// anywhere leaves the last complete batch. What the peer wrote is never trusted: positions are
// checked, each length is read once and bounded.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "frame.h"
#include "layout.h"
#include "words.h"

namespace flyshuttle {

/// Where a ring lives: byte offsets of its words and of its data, and the size of the data (a power
/// of two).
struct RingPlace {
  uint64_t words;
  uint64_t data;
  uint64_t ring_bytes;
};

/// How far ahead of all frames a head is that says: nothing is read here any more.
inline constexpr uint32_t REFUSED_UNITS = 1u << 30;

inline int32_t distance(uint32_t ahead, uint32_t behind) {
  return static_cast<int32_t>(ahead - behind);
}

template <class Order = Sequential>
class RingWriter {
 public:
  RingWriter(uint8_t* region, const RingPlace& place)
      : tail_word_(word_at(region, place.words + LINK_TAIL)),
        head_word_(word_at(region, place.words + LINK_HEAD)),
        waiting_word_(word_at(region, place.words + LINK_WAITING)),
        data_(region + place.data),
        capacity_(static_cast<uint32_t>(place.ring_bytes >> 3)),
        mask_(capacity_ - 1) {
    tail_ = next_ = published_ = load_word(tail_word_);
    look_at_head();
  }

  /// Room for one frame of `length_bytes`, contiguous: where it starts, or null when the ring is
  /// full. Nothing is promised to the consumer until `commit`. `reserve_bytes` must stay free
  /// beyond the frame.
  uint8_t* claim(uint32_t length_bytes, uint32_t reserve_bytes = 0) {
    const uint32_t units = (length_bytes + 7) >> 3;
    const uint32_t index = tail_ & mask_;
    const uint32_t to_end = capacity_ - index;
    const uint32_t wanted = (units <= to_end ? units : units + to_end) + (reserve_bytes >> 3);
    if (wanted > free_units()) {
      look_at_head();
      if (wanted > free_units()) return nullptr;
    }
    if (units <= to_end) {
      next_ = tail_ + units;
      return data_ + (uint64_t{index} << 3);
    }
    poke_word(word_at(data_, uint64_t{index} << 3), frame_word0(FrameKind::Pad, to_end << 3));
    next_ = tail_ + to_end + units;
    return data_;
  }

  /// Takes the claimed frame into the batch. It is not visible yet: see `publish`.
  void commit() { tail_ = next_; }

  /// Bytes committed and not yet visible.
  uint32_t pending_bytes() const { return (tail_ - published_) << 3; }

  /// Makes the batch visible. The caller then wakes whoever sleeps; see `raise_ready`.
  void publish() {
    published_ = tail_;
    // SYNC tail-publish: pairs with tail-publish in RingReader::poll. Records are complete before
    // the tail moves.
    store_word<Order>(tail_word_, tail_);
  }

  /// Asks the consumer to ring when `wanted_bytes` are free. True: they are free already, nobody
  /// will ring.
  bool await_room(uint32_t wanted_bytes) {
    // SYNC room-wait: pairs with room-wait in RingReader::release. We say what we want before we
    // look again.
    store_word(waiting_word_, wanted_bytes);
    if (free_bytes() < wanted_bytes) return false;
    store_word(waiting_word_, 0);
    return true;
  }

  /// Free bytes, read afresh from the consumer's head.
  uint32_t free_bytes() {
    look_at_head();
    return free_units() << 3;
  }

  /// What the consumer wrote that cannot be, or empty. Such a ring counts as full from then on.
  const std::string& corrupt() const { return corrupt_; }

 private:
  uint32_t free_units() const { return capacity_ - (tail_ - head_seen_); }

  void look_at_head() {
    // SYNC head-refuse: pairs with head-refuse in RingReader.
    head_seen_ = load_word<Order>(head_word_);
    const int32_t used = distance(tail_, head_seen_);
    if (used >= 0 && used <= static_cast<int32_t>(capacity_) && corrupt_.empty()) [[likely]]
      return;
    corrupt_ = "a head " + std::to_string(used) + " units behind the tail";
    head_seen_ = tail_ - capacity_;
  }

  uint32_t* const tail_word_;
  uint32_t* const head_word_;
  uint32_t* const waiting_word_;
  uint8_t* const data_;
  const uint32_t capacity_;
  const uint32_t mask_;
  uint32_t tail_;
  uint32_t next_;
  uint32_t published_;
  uint32_t head_seen_;
  std::string corrupt_;
};

template <class Order = Sequential>
class RingReader {
 public:
  /// Continues where the last consumer stopped: after the frame it had taken, even if its head had
  /// not moved.
  RingReader(uint8_t* region, const RingPlace& place)
      : tail_word_(word_at(region, place.words + LINK_TAIL)),
        head_word_(word_at(region, place.words + LINK_HEAD)),
        taken_word_(word_at(region, place.words + LINK_TAKEN)),
        waiting_word_(word_at(region, place.words + LINK_WAITING)),
        data_(region + place.data),
        capacity_(static_cast<uint32_t>(place.ring_bytes >> 3)),
        mask_(capacity_ - 1) {
    head_ = load_word(head_word_);
    const uint32_t taken = load_word(taken_word_);
    if (distance(taken, head_) <= 0) return;
    head_ = taken;
    // The producer must learn of it even if no further frame ever comes: it may be waiting for this
    // very room.
    store_word(head_word_, head_);
  }

  /// Hands up to `frames_max` frames to `on_frame(const uint8_t* frame, uint32_t word0)` and frees
  /// them. Returns how many were handed over; PADs don't count. Before each dispatch `taken` moves
  /// past the frame.
  template <class OnFrame>
  uint32_t poll(OnFrame&& on_frame, uint32_t frames_max) {
    // SYNC tail-publish: pairs with tail-publish in RingWriter::publish. What lies before the tail
    // is complete.
    const uint32_t tail = load_word<Order>(tail_word_);
    uint32_t head = head_;
    if (tail == head || !corrupt_.empty()) return 0;
    const int32_t filled = distance(tail, head);
    if (filled < 0 || filled > static_cast<int32_t>(capacity_)) [[unlikely]] {
      corrupt_ = "a tail " + std::to_string(filled) + " units after the head";
      refuse();
      return 0;
    }
    uint32_t frames = 0;
    while (head != tail && frames < frames_max) {
      const uint32_t index = head & mask_;
      uint8_t* const frame = data_ + (uint64_t{index} << 3);
      const uint32_t word0 = peek_word(word_at(frame, 0));
      const uint32_t length = word0 & FRAME_LENGTH_MASK;
      const uint32_t units = (length + 7) >> 3;
      const bool is_pad = word0 >> FRAME_KIND_SHIFT == uint32_t(FrameKind::Pad);
      if (units > tail - head || units > capacity_ - index ||
          length < (is_pad ? 8 : FRAME_HEADER_BYTES)) [[unlikely]] {
        corrupt_ = "a length of " + std::to_string(length) + " bytes";
        break;
      }
      head += units;
      // Plain: only a successor reads it, after our thread has ended.
      poke_word(taken_word_, head);
      if (is_pad) continue;
      frames++;
      on_frame(static_cast<const uint8_t*>(frame), word0);
    }
    head_ = head;
    store_word<Order>(head_word_, head);
    if (!corrupt_.empty()) [[unlikely]]
      refuse();
    return frames;
  }

  /// Whether a waiting producer should be rung now: it asked for room, and there is enough, or the
  /// ring is empty. True at most once for each request.
  bool release() {
    // SYNC room-wait: pairs with room-wait in RingWriter::await_room. Our head moved before we look
    // for a waiter.
    const uint32_t wanted_bytes = load_word(waiting_word_);
    if (wanted_bytes == 0) return false;
    const uint32_t used = load_word(tail_word_) - head_;
    // Signed, as in TypeScript: what no producer writes is answered at once, and the same way.
    const auto free_bytes = static_cast<int32_t>((capacity_ - used) * FRAME_ALIGN_BYTES);
    if (used != 0 && free_bytes < static_cast<int32_t>(wanted_bytes)) return false;
    return exchange_word(waiting_word_, 0) != 0;
  }

  /// Whether frames wait to be polled.
  bool has_frames() const { return corrupt_.empty() && load_word(tail_word_) != head_; }

  /// Drops every frame that waits: a thread that takes over a vacant place starts clean.
  void skip_all() {
    head_ = load_word(tail_word_);
    poke_word(taken_word_, head_);
    store_word(head_word_, head_);
  }

  /// What the producer wrote that cannot be, or empty. A corrupt ring is not read any further.
  const std::string& corrupt() const { return corrupt_; }

 private:
  /// Nothing is read any further: says so by a head that cannot be, and the producer closes too.
  void refuse() {
    // SYNC head-refuse: pairs with head-refuse in RingWriter.
    store_word(head_word_, head_ + REFUSED_UNITS);
  }

  uint32_t* const tail_word_;
  uint32_t* const head_word_;
  uint32_t* const taken_word_;
  uint32_t* const waiting_word_;
  uint8_t* const data_;
  const uint32_t capacity_;
  const uint32_t mask_;
  uint32_t head_;
  std::string corrupt_;
};

}  // namespace flyshuttle
