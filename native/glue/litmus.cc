// `NativeLitmusThread`: one actor of a litmus test on a C++ thread; see core/litmus.h and
// test/litmus. It runs until the other actor says stop, or until its object goes.

#include <memory>

#include "../core/litmus.h"
#include "arguments.h"
#include "exports.h"

namespace flyshuttle::glue {

namespace {

class NativeLitmusThread : public Napi::ObjectWrap<NativeLitmusThread> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeLitmusThread",
                       {InstanceMethod<&NativeLitmusThread::join>("join")});
  }

  /// (memory: Int32Array, test, role, cells)
  explicit NativeLitmusThread(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    Bytes memory;
    uint32_t test;
    uint32_t role;
    uint32_t cells;
    if (!read_bytes(info[0], napi_int32_array, &memory) || !read_u32(info[1], &test) ||
        !read_u32(info[2], &role) || !read_u32(info[3], &cells)) {
      return;
    }
    const uint64_t words =
        LITMUS_CELLS + uint64_t{cells} * LITMUS_CELL_WORDS + uint64_t{cells} * 2;
    if (test >= LITMUS_COUNT || role > 1 || memory.length < words * sizeof(uint32_t)) {
      refuse(info.Env(), "wanted a test, a role and memory for its cells");
      return;
    }
    memory_ = Napi::Persistent(info[0].As<Napi::Object>());
    thread_ = std::make_unique<LitmusThread>(LitmusJob{
        reinterpret_cast<uint32_t*>(memory.data), static_cast<Litmus>(test), role, cells});
  }

 private:
  void join(const Napi::CallbackInfo&) {
    if (thread_ != nullptr) thread_->join();
  }

  Napi::ObjectReference memory_;
  std::unique_ptr<LitmusThread> thread_;
};

}  // namespace

void export_litmus(Napi::Env env, Napi::Object exports) {
  exports.Set("NativeLitmusThread", NativeLitmusThread::define(env));
}

}  // namespace flyshuttle::glue
