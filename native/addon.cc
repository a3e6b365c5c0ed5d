// The addon's entry: registers what `src/native/binding.ts` describes, once for each environment
// that loads it.
//
// Several workers load the addon at once, and any of them may end at any moment. So nothing here is
// global and mutable, but the table of open bells (`platform/bell.h`), which is made of atomics.
// What belongs to an environment hangs off its exported objects, or, for what lives in its event
// loop, off its asynchronous cleanup hook (`glue/loop_bell.cc`).

#include <napi.h>

#include "glue/exports.h"

namespace flyshuttle {

/// Instance data of one environment; Node deletes it when the environment ends.
class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    glue::export_layout(env, exports);
    glue::export_bells(env, exports);
    glue::export_copying(env, exports);
    glue::export_doorbell(env, exports);
    glue::export_placement(env, exports);
    glue::export_rings(env, exports);
#ifndef FLYSHUTTLE_PREBUILD
    glue::export_stress(env, exports);
    glue::export_litmus(env, exports);
#endif
  }
};

}  // namespace flyshuttle

using FlyshuttleAddon = flyshuttle::Addon;
NODE_API_ADDON(FlyshuttleAddon)
