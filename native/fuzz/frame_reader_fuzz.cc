// A fuzzer of the frame reader: whatever a peer wrote into a ring and its words, the reader hands
// over frames that lie in the ring, or says that the ring is corrupt; it ends, and touches nothing
// else. The ring's writer then gets the same memory.
//
// One input, which test/ring/fuzz.test.ts reads too:
//
//     byte 0   4      8       12        16            18
//     ┌───────┬──────┬───────┬─────────┬─────────────┬────────────────────────────────────────┐
//     │ tail  │ head │ taken │ waiting │ frames/poll │ the ring's bytes; what is missing is 0 │
//     └───────┴──────┴───────┴─────────┴─────────────┴────────────────────────────────────────┘
//
// Words are little endian. Bytes alone would hardly ever be a frame, so a mutator of our own lays
// chains of good frames between head and tail and spoils one of them at times.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <random>

#include "../core/ring.h"
#include "../test/memory.h"

using namespace flyshuttle;

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

constexpr uint32_t RING_BYTES = 1024;
constexpr uint32_t CAPACITY = RING_BYTES / 8;
constexpr size_t WORDS_BYTES = 18;
constexpr size_t INPUT_BYTES = WORDS_BYTES + RING_BYTES;

/// What must hold whatever the input is.
void require(bool holds) {
  if (!holds) __builtin_trap();
}

uint32_t read_u32(const uint8_t* data) {
  uint32_t value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

void write_u32(uint8_t* data, uint32_t value) { std::memcpy(data, &value, sizeof value); }

void read_everything(const check::LaneMemory& memory, uint32_t frames_max) {
  RingReader<> reader(memory.bytes(), memory.place);
  const uint8_t* const ring = memory.bytes() + memory.place.data;
  const uint32_t head = *memory.at(LINK_HEAD);
  const uint32_t tail = *memory.at(LINK_TAIL);
  uint32_t seen_units = 0;
  uint32_t sum = 0;
  for (uint32_t polls = 0;; polls++) {
    require(polls <= CAPACITY);
    const uint32_t frames = reader.poll(
        [&](const uint8_t* frame, uint32_t word0) {
          const uint32_t length = word0 & FRAME_LENGTH_MASK;
          require(length >= FRAME_HEADER_BYTES && frame >= ring &&
                  frame + length <= ring + RING_BYTES);
          for (uint32_t index = 0; index < length; index++) sum += frame[index];
          seen_units += frame_bytes(length) / 8;
        },
        frames_max);
    require(frames <= frames_max && seen_units <= CAPACITY);
    if (frames == 0) break;
  }
  // A reader that refuses its link says so by a head that is out of reach.
  const uint32_t read_to = *memory.at(LINK_HEAD) - (reader.corrupt().empty() ? 0 : REFUSED_UNITS);
  const uint32_t moved = read_to - head;
  const uint32_t filled = tail - head;
  require(moved >= seen_units && moved <= (filled <= CAPACITY ? filled : 0));
  require(*memory.at(LINK_TAIL) == tail);
  if (moved > 0) require(*memory.at(LINK_TAKEN) == read_to);
  if (frames_max > 0 && reader.corrupt().empty()) require(!reader.has_frames());
  if (!reader.corrupt().empty()) require(!reader.has_frames());
  if (reader.release()) require(!reader.release() && *memory.at(LINK_WAITING) == 0);
  asm volatile("" ::"r"(sum));  // The reads stay.
}

void write_something(const check::LaneMemory& memory, uint32_t length) {
  RingWriter<> writer(memory.bytes(), memory.place);
  const uint8_t* const ring = memory.bytes() + memory.place.data;
  for (uint32_t count = 0; count < 2 * CAPACITY; count++) {
    uint8_t* const frame = writer.claim(length);
    if (frame == nullptr) break;
    require(writer.corrupt().empty() && frame >= ring && frame + length <= ring + RING_BYTES);
    std::memset(frame, 0x5a, length);
    writer.commit();
    require(writer.pending_bytes() <= RING_BYTES);
  }
  writer.publish();
  writer.await_room(length);
  require(writer.free_bytes() <= RING_BYTES);
}

/// Lays good frames from head to tail, as one producer would, into an input of full size.
void lay_frames(uint8_t* data, std::minstd_rand& random) {
  const uint32_t filled = static_cast<uint32_t>(random() % (CAPACITY + 1));
  const uint32_t head = read_u32(data + 4);
  write_u32(data, head + filled);
  if (random() % 4 != 0) write_u32(data + 8, head);
  const uint32_t spoiled = static_cast<uint32_t>(random() % 12);
  uint32_t at = 0;
  for (uint32_t frame = 0; at < filled; frame++) {
    const uint32_t index = (head + at) % CAPACITY;
    const uint32_t room = std::min(filled - at, CAPACITY - index);
    const bool is_pad = room < 2 || random() % 16 == 0;
    const uint32_t units = is_pad ? room : 2 + static_cast<uint32_t>(random() % (room - 1));
    const uint32_t slack = is_pad ? 0 : static_cast<uint32_t>(random() % 8);
    const auto kind = is_pad ? FrameKind::Pad : static_cast<FrameKind>(2 + random() % 4);
    uint8_t* const word0 = data + WORDS_BYTES + size_t{index} * 8;
    write_u32(word0, frame_word0(kind, std::max(units * 8 - slack, is_pad ? 8u : 16u)));
    if (frame == spoiled) {
      const uint32_t boundaries[] = {0, 7, 8, 15, 16, (filled - at) * 8, (CAPACITY - index) * 8};
      const uint32_t boundary = boundaries[random() % std::size(boundaries)];
      if (random() % 2 == 0) LLVMFuzzerMutate(word0, 4, 4);
      else write_u32(word0, frame_word0(kind, boundary + static_cast<uint32_t>(random() % 2)));
    }
    at += units;
  }
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  std::minstd_rand random(seed);
  if (max_size < INPUT_BYTES || random() % 3 == 0) return size;
  if (size < INPUT_BYTES) std::memset(data + size, 0, INPUT_BYTES - size);
  // Near the ends of the 32 bits as often as anywhere.
  if (random() % 4 == 0) write_u32(data + 4, 0xffffffff - static_cast<uint32_t>(random() % 256));
  if (random() % 4 == 0) write_u32(data + 4, 0x80000000 - static_cast<uint32_t>(random() % 256));
  lay_frames(data, random);
  return INPUT_BYTES;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint8_t words[WORDS_BYTES] = {};
  std::memcpy(words, data, std::min(size, WORDS_BYTES));
  const check::LaneMemory memory(RING_BYTES);
  *memory.at(LINK_TAIL) = read_u32(words);
  *memory.at(LINK_HEAD) = read_u32(words + 4);
  *memory.at(LINK_TAKEN) = read_u32(words + 8);
  *memory.at(LINK_WAITING) = read_u32(words + 12);
  if (size > WORDS_BYTES) {
    std::memcpy(memory.frame_at(0), data + WORDS_BYTES,
                std::min(size - WORDS_BYTES, size_t{RING_BYTES}));
  }
  const uint32_t frames_max = words[16] | uint32_t{words[17]} << 8;
  read_everything(memory, frames_max);
  write_something(memory, FRAME_HEADER_BYTES + words[16]);
  return 0;
}
