// `Doorbell`, the class that JavaScript sees: reads the options and hands calls on to a `LoopBell`.
//
// `src/native/binding.ts` tells how it is used, loop_bell.h what it does.

#include <cstdint>

#include "../core/layout.h"
#include "arguments.h"
#include "exports.h"
#include "loop_bell.h"

namespace flyshuttle::glue {

namespace {

bool read_us(Napi::Value value, double* out) {
  constexpr double SPIN_US_MAX = 1e6;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= SPIN_US_MAX)) {
    return refuse(value.Env(), "wanted 0 to 1000000 microseconds");
  }
  *out = number;
  return true;
}

bool read_options(Napi::Value value, DoorbellOptions* out) {
  const Napi::Env env = value.Env();
  if (!value.IsObject()) return refuse(env, "wanted an object of options");
  const Napi::Object options = value.As<Napi::Object>();
  const auto get = [&](const char* name) { return Napi::Value(options.Get(name)); };
  const Napi::Value deliver = get("deliver");
  if (!deliver.IsFunction()) return refuse(env, "wanted a function `deliver`");
  if (!read_region(get("region"), &out->region)) return false;
  if (!read_bytes(get("bells"), napi_int32_array, &out->bells)) return false;
  if (!read_bytes(get("hold"), napi_int32_array, &out->hold)) return false;
  if (out->hold.length < HOLD_WORDS * sizeof(uint32_t)) {
    return refuse(env, "wanted two words `hold`");
  }
  if (!read_geometry(get("geometry"), &out->geometry)) return false;
  if (!read_u32(get("thread"), &out->thread) || !read_u32(get("cores"), &out->cores)) return false;
  if (!read_us(get("spinUs"), &out->spin_us)) return false;
  if (!read_us(get("spinBudgetUs"), &out->spin_budget_us)) return false;
  const uint32_t threads = out->geometry.threads;
  if (out->thread >= threads) return refuse(env, "wanted a thread of this geometry");
  if (out->region.length < Layout(out->geometry).region_bytes) {
    return refuse(env, "wanted a region as large as its geometry says");
  }
  if (out->bells.length < threads * sizeof(int32_t)) {
    return refuse(env, "wanted a bell for each thread");
  }
  out->region_array = get("region").As<Napi::Object>();
  out->bells_array = get("bells").As<Napi::Object>();
  out->hold_array = get("hold").As<Napi::Object>();
  out->deliver = deliver.As<Napi::Function>();
  return true;
}

/// Only a handle: the LoopBell outlives it if it is collected, and is gone after `close`.
class Doorbell : public Napi::ObjectWrap<Doorbell> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Doorbell",
        {InstanceMethod<&Doorbell::ref>("ref"), InstanceMethod<&Doorbell::nudge>("nudge"),
         InstanceMethod<&Doorbell::close>("close"), InstanceMethod<&Doorbell::stats>("stats")});
  }

  explicit Doorbell(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    DoorbellOptions options;
    if (read_options(info[0], &options)) bell_ = LoopBell::open(info.Env(), options);
  }

 private:
  void ref(const Napi::CallbackInfo&) {
    if (bell_ != nullptr) bell_->ref();
  }

  void nudge(const Napi::CallbackInfo&) {
    if (bell_ != nullptr) bell_->nudge();
  }

  void close(const Napi::CallbackInfo&) {
    if (bell_ == nullptr) return;
    stats_ = bell_->stats();
    bell_->close();
    bell_ = nullptr;
  }

  Napi::Value stats(const Napi::CallbackInfo& info) {
    if (bell_ != nullptr) stats_ = bell_->stats();
    Napi::Object record = Napi::Object::New(info.Env());
    record.Set("wakes", double(stats_.wakes));
    record.Set("delivers", double(stats_.delivers));
    record.Set("spinHits", double(stats_.spin_hits));
    record.Set("spinMisses", double(stats_.spin_misses));
    record.Set("parks", double(stats_.parks));
    return record;
  }

  LoopBell* bell_ = nullptr;
  DoorbellStats stats_;
};

/// explainLoop(hidden): why no doorbell can work in this process, or null. See binding.ts.
Napi::Value explain_loop(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const char* obstacle = UV_FUNCTIONS.obstacle;
  if (info[0].IsString()) {
    obstacle = look_up_uv(info[0].As<Napi::String>().Utf8Value().c_str()).obstacle;
  }
  if (obstacle == nullptr) return env.Null();
  return Napi::String::New(env, obstacle);
}

}  // namespace

void export_doorbell(Napi::Env env, Napi::Object exports) {
  exports.Set("explainLoop", Napi::Function::New(env, explain_loop, "explainLoop"));
  exports.Set("Doorbell", Doorbell::define(env));
}

}  // namespace flyshuttle::glue
