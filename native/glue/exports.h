// What each file in `glue/` adds to the addon's exports. Called once per environment, from
// `addon.cc`.

#pragma once

#include <napi.h>

namespace flyshuttle::glue {

void export_layout(Napi::Env env, Napi::Object exports);
void export_bells(Napi::Env env, Napi::Object exports);
void export_copying(Napi::Env env, Napi::Object exports);
void export_doorbell(Napi::Env env, Napi::Object exports);
void export_placement(Napi::Env env, Napi::Object exports);
void export_rings(Napi::Env env, Napi::Object exports);
void export_stress(Napi::Env env, Napi::Object exports);
void export_litmus(Napi::Env env, Napi::Object exports);

}  // namespace flyshuttle::glue
