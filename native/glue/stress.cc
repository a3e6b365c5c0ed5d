// C++ threads for tests and benchmarks: `measureLimit` and `NativeStressThread`.
//
// `measureLimit` blocks its caller until it is done. A `NativeStressThread` runs on its own;
// `join()` waits for it. A worker that ends without `join` stops its threads first: they must not
// outlive the region.

#include <memory>
#include <string>

#include "../core/limit.h"
#include "../core/stress.h"
#include "arguments.h"
#include "exports.h"

namespace flyshuttle::glue {

namespace {

/// measureLimit({ frames, payloadBytes, ringBytes, publishEach })
Napi::Value measure(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  LimitOptions limit;
  if (!info[0].IsObject()) return refuse(env, "wanted an object of options"), Napi::Value();
  const Napi::Object options = info[0].As<Napi::Object>();
  if (!read_u32(options.Get("frames"), &limit.frames) ||
      !read_u32(options.Get("payloadBytes"), &limit.payload_bytes) ||
      !read_u32(options.Get("ringBytes"), &limit.ring_bytes)) {
    return {};
  }
  limit.publish_each = is_true(options.Get("publishEach"));
  const bool is_power_of_two =
      limit.ring_bytes >= 1024 && (limit.ring_bytes & (limit.ring_bytes - 1)) == 0;
  if (!is_power_of_two || limit.frames == 0 || limit.payload_bytes % 4 != 0 ||
      limit.payload_bytes > limit.ring_bytes / FRAME_RING_DIVISOR - FRAME_HEADER_BYTES) {
    return refuse(env, "wanted at least one frame of whole words that fits a quarter of a ring"),
           Napi::Value();
  }
  const LimitResult result = measure_limit(limit);
  if (result.seconds == 0) return refuse(env, "no memory for the ring"), Napi::Value();
  Napi::Object record = Napi::Object::New(env);
  record.Set("seconds", result.seconds);
  record.Set("frames", limit.frames);
  record.Set("checksum", result.checksum);
  record.Set("expected", result.expected);
  return record;
}

/// One end of a ring on a C++ thread; it starts at once.
class NativeStressThread : public Napi::ObjectWrap<NativeStressThread> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeStressThread",
                       {InstanceMethod<&NativeStressThread::join>("join")});
  }

  /// (isProducer, region, words, data, ringBytes, frames, seed)
  explicit NativeStressThread(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    Bytes region;
    StressJob job;
    if (!read_region(info[1], &region) ||
        !read_ring_place(region, info[2], info[3], info[4], &job.place) ||
        !read_u32(info[5], &job.frames) || !read_u32(info[6], &job.seed)) {
      return;
    }
    if (job.place.ring_bytes < 1024) {
      refuse(info.Env(), "wanted a ring of at least 1024 bytes");
      return;
    }
    job.region = region.data;
    region_ = Napi::Persistent(info[1].As<Napi::Object>());
    const bool is_producer = is_true(info[0]);
    thread_ = std::make_unique<StressThread>(
        is_producer ? StressThread::Role::Producer : StressThread::Role::Consumer, job);
  }

 private:
  Napi::Value join(const Napi::CallbackInfo& info) {
    thread_->join();
    Napi::Object record = Napi::Object::New(info.Env());
    record.Set("frames", thread_->frames());
    const std::string& error = thread_->error();
    record.Set("error", error.empty() ? info.Env().Null()
                                      : Napi::Value(Napi::String::New(info.Env(), error)));
    return record;
  }

  Napi::ObjectReference region_;
  std::unique_ptr<StressThread> thread_;
};

}  // namespace

void export_stress(Napi::Env env, Napi::Object exports) {
  exports.Set("measureLimit", Napi::Function::New(env, measure, "measureLimit"));
  exports.Set("NativeStressThread", NativeStressThread::define(env));
}

}  // namespace flyshuttle::glue
