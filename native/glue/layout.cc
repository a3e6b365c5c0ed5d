// `layout(geometry)`: every number that C++ and TypeScript must agree on, by its TypeScript name.
//
// Called by the test that holds `core/layout.h` and `core/frame.h` equal to `src/memory/layout.ts`
// and `src/ring/frame.ts`. Results of functions appear as they would be called: `laneWords(0,1,1)`.

#include <string>

#include "../core/frame.h"
#include "../core/layout.h"
#include "arguments.h"
#include "exports.h"

namespace flyshuttle::glue {

namespace {

void put(Napi::Object record, const std::string& name, uint64_t value) {
  record.Set(name, Napi::Number::New(record.Env(), static_cast<double>(value)));
}

#define PUT(name) put(record, #name, name)
#define PUT_MEMBER(type, name) put(record, #type "." #name, uint64_t(type::name))

void put_constants(Napi::Object record) {
  PUT(THREADS_MAX);
  PUT(PRODUCERS_PER_READY_GROUP);
  PUT(LINE_BYTES);
  PUT(FRAME_RING_DIVISOR);
  PUT(FLUSH_BYTES);
  PUT(LAYOUT_MAGIC);
  PUT(LAYOUT_VERSION);
  PUT(HEADER_BYTES);
  PUT(HEADER_MAGIC);
  PUT(HEADER_LAYOUT_VERSION);
  PUT(HEADER_THREADS);
  PUT(HEADER_BULK_RING_BYTES);
  PUT(HEADER_URGENT_RING_BYTES);
  PUT(HEADER_DICTIONARY_BYTES);
  PUT(HEADER_CHANGE_LOG_BYTES);
  PUT(HEADER_SUBSCRIPTIONS);
  PUT(HEADER_QUEUE_BYTES);
  PUT(HEADER_CHUNK_BYTES);
  PUT(HEADER_VERSION);
  PUT(HEADER_LOG_GENERATION);
  PUT(HEADER_LOG_TAIL_EVEN);
  PUT(HEADER_LOG_TAIL_ODD);
  PUT(HEADER_DEATHS);
  PUT(HEADER_STATE);
  PUT(INBOX_BYTES);
  PUT(INBOX_SLEEPING);
  PUT(INBOX_DEAD);
  PUT(INBOX_FULL);
  PUT(INBOX_INCARNATION);
  PUT(INBOX_DICTIONARY_TAIL);
  PUT(INBOX_LIVENESS);
  PUT(INBOX_BEAT);
  PUT(INBOX_LAG);
  PUT(INBOX_LAG_MAX);
  PUT(INBOX_DELIVERY_MAX);
  PUT(INBOX_READY);
  PUT(READY_GROUPS_MAX);
  PUT(INBOX_COUNTERS);
  PUT(LINK_TAIL);
  PUT(LINK_HEAD);
  PUT(LINK_TAKEN);
  PUT(LINK_WAITING);
  PUT(LINK_SENT);
  PUT(LINK_OVERFLOW_BYTES);
  PUT(LINK_RECEIVED);
  PUT(LANE_WORDS_BYTES);
  PUT(LINK_WORDS_BYTES);
  PUT(ACTIVITY_BITS);
  PUT(COUNTER_BYTES);
  PUT(COUNTER_SHIFT);
  PUT(FRAME_ALIGN_BYTES);
  PUT(FRAME_HEADER_BYTES);
  PUT(FRAME_LENGTH_MASK);
  PUT(FRAME_KIND_SHIFT);
  PUT(FRAME_FLAGS_MASK);
  PUT(FRAME_CODEC_SHIFT);
  PUT(FRAME_CODEC_MASK);
  PUT(FRAME_SOURCE_SHIFT);
  PUT(FLOW_STOP);
  PUT(FRAME_PRIORITY_SHIFT);
  PUT(FRAME_PRIORITY_MASK);
}

void put_members(Napi::Object record) {
  PUT_MEMBER(Lane, Urgent);
  PUT_MEMBER(Lane, Bulk);
  PUT_MEMBER(ThreadState, Vacant);
  PUT_MEMBER(ThreadState, Alive);
  PUT_MEMBER(ThreadState, Dead);
  PUT_MEMBER(EngineState, Open);
  PUT_MEMBER(EngineState, Closing);
  PUT_MEMBER(EngineState, Closed);
  PUT_MEMBER(Activity, Unknown);
  PUT_MEMBER(Activity, Running);
  PUT_MEMBER(Activity, Sleeping);
  PUT_MEMBER(ThreadCounter, Deliveries);
  PUT_MEMBER(ThreadCounter, BusyUs);
  PUT_MEMBER(ThreadCounter, SpinUs);
  PUT_MEMBER(ThreadCounter, Wakes);
  PUT_MEMBER(ThreadCounter, Parks);
  PUT_MEMBER(ThreadCounter, SpinHits);
  PUT_MEMBER(ThreadCounter, SpinMisses);
  PUT_MEMBER(ThreadCounter, LossyDropped);
  PUT_MEMBER(ThreadCounter, MailboxDropped);
  PUT_MEMBER(ThreadCounter, RepliesDropped);
  PUT_MEMBER(ThreadCounter, Expired);
  PUT_MEMBER(ThreadCounter, RequestsExpired);
  PUT_MEMBER(ThreadCounter, StreamsBegun);
  PUT_MEMBER(ThreadCounter, StreamsEnded);
  PUT_MEMBER(SentCounter, Batches);
  PUT_MEMBER(SentCounter, Full);
  PUT_MEMBER(SentCounter, Overflow);
  PUT_MEMBER(SentCounter, Waits);
  PUT_MEMBER(SentCounter, Wakes);
  PUT_MEMBER(SentCounter, Skipped);
  PUT_MEMBER(SentCounter, Dropped);
  PUT_MEMBER(SentCounter, Rejected);
  PUT_MEMBER(ReceivedCounter, Frames);
  PUT_MEMBER(ReceivedCounter, Units);
  PUT_MEMBER(FrameKind, Pad);
  PUT_MEMBER(FrameKind, Publish);
  PUT_MEMBER(FrameKind, Request);
  PUT_MEMBER(FrameKind, Reply);
  PUT_MEMBER(FrameKind, Control);
  PUT_MEMBER(FrameKind, Flow);
  PUT_MEMBER(FrameFlag, Target);
  PUT_MEMBER(FrameFlag, Correlation);
  PUT_MEMBER(FrameFlag, Deadline);
  PUT_MEMBER(FrameFlag, InlineSubject);
  PUT_MEMBER(FrameFlag, Failed);
  PUT_MEMBER(FrameFlag, Headers);
  PUT_MEMBER(FrameFlag, Compressed);
  PUT_MEMBER(FrameFlag, Chunk);
  PUT_MEMBER(FrameFlag, Stream);
  PUT_MEMBER(ReplyNote, None);
  PUT_MEMBER(ReplyNote, End);
  PUT_MEMBER(ReplyNote, Only);
  PUT_MEMBER(ReplyNote, Refused);
  PUT_MEMBER(CodecId, None);
  PUT_MEMBER(CodecId, Struct);
  PUT_MEMBER(CodecId, Msgpack);
  PUT_MEMBER(CodecId, Raw);
}

/// The offsets of one region; of functions, the values at the first and the last thread.
void put_offsets(Napi::Object record, const Layout& layout) {
  put(record, "threads", layout.threads);
  put(record, "bulkRingBytes", layout.bulk_ring_bytes);
  put(record, "urgentRingBytes", layout.urgent_ring_bytes);
  put(record, "dictionaryBytes", layout.dictionary_bytes);
  put(record, "changeLogBytes", layout.change_log_bytes);
  put(record, "subscriptions", layout.subscriptions);
  put(record, "queueBytes", layout.queue_bytes);
  put(record, "chunkBytes", layout.chunk_bytes);
  put(record, "readyGroups", layout.ready_groups);
  put(record, "inboxes", layout.inboxes);
  put(record, "links", layout.links);
  put(record, "subscriptionRows", layout.subscription_rows);
  put(record, "dictionaries", layout.dictionaries);
  put(record, "changeLog", layout.change_log);
  put(record, "rings", layout.rings);
  put(record, "queues", layout.queues);
  put(record, "chunks", layout.chunks);
  put(record, "regionBytes", layout.region_bytes);
  const uint32_t ends[2] = {0, layout.threads - 1};
  for (const uint32_t from : ends) {
    const std::string first = std::to_string(from);
    put(record, "inbox(" + first + ")", layout.inbox(from));
    put(record, "dictionary(" + first + ")", layout.dictionary(from));
    for (const uint32_t to : ends) {
      for (const Lane lane : {Lane::Urgent, Lane::Bulk}) {
        const std::string lane_text = std::to_string(uint32_t(lane)) + ")";
        const std::string arguments = "(" + first + "," + std::to_string(to) + "," + lane_text;
        put(record, "laneWords" + arguments, layout.lane_words(from, to, lane));
        put(record, "ring" + arguments, layout.ring(from, to, lane));
        put(record, "ringBytes(" + lane_text, layout.ring_bytes(lane));
      }
    }
  }
}

Napi::Value layout(const Napi::CallbackInfo& info) {
  Geometry geometry;
  if (!read_geometry(info[0], &geometry)) return {};
  Napi::Object record = Napi::Object::New(info.Env());
  put_constants(record);
  put_members(record);
  put_offsets(record, Layout(geometry));
  return record;
}

}  // namespace

void export_layout(Napi::Env env, Napi::Object exports) {
  exports.Set("layout", Napi::Function::New(env, layout, "layout"));
}

}  // namespace flyshuttle::glue
