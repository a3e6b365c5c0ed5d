// `NativeRingWriter` and `NativeRingReader`: the rings of `core/ring.h` for the conformance suite,
// which runs the same sentences over C++ and TypeScript ends in every combination. The engine
// itself does not use them: a call per message would cost more than the message.

#include <cstring>
#include <optional>
#include <string>

#include "../core/ring.h"
#include "arguments.h"
#include "exports.h"

namespace flyshuttle::glue {

namespace {

/// Reads `(region, words, data, ringBytes)`, the arguments of both constructors.
bool read_place(const Napi::CallbackInfo& info, Bytes* region, RingPlace* place) {
  return read_region(info[0], region) && read_ring_place(*region, info[1], info[2], info[3], place);
}

template <class Self>
class RingEnd : public Napi::ObjectWrap<Self> {
 public:
  using Napi::ObjectWrap<Self>::ObjectWrap;

 protected:
  /// Keeps the region's memory alive as long as this object.
  void hold(Napi::Value region) { region_ = Napi::Persistent(region.As<Napi::Object>()); }

 private:
  Napi::ObjectReference region_;
};

class NativeRingWriter : public RingEnd<NativeRingWriter> {
 public:
  static Napi::Function define(Napi::Env env) {
    using Self = NativeRingWriter;
    return DefineClass(
        env, "NativeRingWriter",
        {InstanceMethod<&Self::offer>("offer"), InstanceMethod<&Self::publish>("publish"),
         InstanceMethod<&Self::await_room>("awaitRoom"),
         InstanceMethod<&Self::free_bytes>("freeBytes"),
         InstanceAccessor<&Self::pending_bytes>("pendingBytes")});
  }

  explicit NativeRingWriter(const Napi::CallbackInfo& info) : RingEnd(info) {
    Bytes region;
    RingPlace place;
    if (!read_place(info, &region, &place)) return;
    hold(info[0]);
    ring_.emplace(region.data, place);
    is_sound(info.Env());
  }

 private:
  /// False, with a pending ERR_FRAME_CORRUPT, when the consumer's head cannot be.
  bool is_sound(Napi::Env env) {
    if (ring_->corrupt().empty()) return true;
    const std::string message = "the consumer wrote " + ring_->corrupt();
    napi_throw_error(env, "ERR_FRAME_CORRUPT", message.c_str());
    return false;
  }

  Napi::Value offer(const Napi::CallbackInfo& info) {
    Bytes payload;
    double kind;
    if (!read_bytes(info[0], napi_uint8_array, &payload)) return {};
    if (!read_count(info[1], 15, &kind)) return {};
    if (payload.length > FRAME_LENGTH_MASK - FRAME_HEADER_BYTES) {
      refuse(info.Env(), "wanted a payload that a frame can name");
      return {};
    }
    const uint32_t length = FRAME_HEADER_BYTES + static_cast<uint32_t>(payload.length);
    uint8_t* const frame = ring_->claim(length);
    if (!is_sound(info.Env())) return {};
    if (frame == nullptr) return Napi::Boolean::New(info.Env(), false);
    const uint32_t header[4] = {frame_word0(static_cast<FrameKind>(kind), length), 0, 0, 0};
    std::memcpy(frame, header, sizeof header);
    if (payload.length > 0) std::memcpy(frame + FRAME_HEADER_BYTES, payload.data, payload.length);
    ring_->commit();
    return Napi::Boolean::New(info.Env(), true);
  }

  void publish(const Napi::CallbackInfo&) { ring_->publish(); }

  Napi::Value await_room(const Napi::CallbackInfo& info) {
    uint32_t wanted_bytes;
    if (!read_u32(info[0], &wanted_bytes)) return {};
    const bool has_room = ring_->await_room(wanted_bytes);
    return is_sound(info.Env()) ? Napi::Value(Napi::Boolean::New(info.Env(), has_room))
                                : Napi::Value();
  }

  Napi::Value free_bytes(const Napi::CallbackInfo& info) {
    const uint32_t free_bytes = ring_->free_bytes();
    return is_sound(info.Env()) ? Napi::Value(Napi::Number::New(info.Env(), free_bytes))
                                : Napi::Value();
  }

  Napi::Value pending_bytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), ring_->pending_bytes());
  }

  std::optional<RingWriter<>> ring_;
};

class NativeRingReader : public RingEnd<NativeRingReader> {
 public:
  static Napi::Function define(Napi::Env env) {
    using Self = NativeRingReader;
    return DefineClass(
        env, "NativeRingReader",
        {InstanceMethod<&Self::poll>("poll"), InstanceMethod<&Self::release>("release"),
         InstanceMethod<&Self::skip_all>("skipAll"),
         InstanceAccessor<&Self::has_frames>("hasFrames"),
         InstanceAccessor<&Self::corrupt>("corrupt")});
  }

  explicit NativeRingReader(const Napi::CallbackInfo& info) : RingEnd(info) {
    Bytes region;
    RingPlace place;
    if (!read_place(info, &region, &place)) return;
    hold(info[0]);
    ring_.emplace(region.data, place);
  }

 private:
  /// Copies of the payloads of up to `framesMax` frames.
  Napi::Value poll(const Napi::CallbackInfo& info) {
    uint32_t frames_max;
    if (!read_u32(info[0], &frames_max)) return {};
    const Napi::Env env = info.Env();
    Napi::Array payloads = Napi::Array::New(env);
    ring_->poll(
        [&](const uint8_t* frame, uint32_t word0) {
          const size_t length = (word0 & FRAME_LENGTH_MASK) - FRAME_HEADER_BYTES;
          Napi::Uint8Array payload = Napi::Uint8Array::New(env, length);
          if (payload.IsEmpty()) return;  // The worker is being terminated: nobody will look.
          if (length > 0) std::memcpy(payload.Data(), frame + FRAME_HEADER_BYTES, length);
          payloads.Set(payloads.Length(), payload);
        },
        frames_max);
    return payloads;
  }

  Napi::Value release(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), ring_->release());
  }

  void skip_all(const Napi::CallbackInfo&) { ring_->skip_all(); }

  Napi::Value has_frames(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), ring_->has_frames());
  }

  Napi::Value corrupt(const Napi::CallbackInfo& info) {
    if (ring_->corrupt().empty()) return info.Env().Null();
    return Napi::String::New(info.Env(), ring_->corrupt());
  }

  std::optional<RingReader<>> ring_;
};

}  // namespace

void export_rings(Napi::Env env, Napi::Object exports) {
  exports.Set("NativeRingWriter", NativeRingWriter::define(env));
  exports.Set("NativeRingReader", NativeRingReader::define(env));
}

}  // namespace flyshuttle::glue
