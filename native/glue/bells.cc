// Bells for JavaScript: `createBell`, `ringBell`, `closeBell`; and `raiseReady`, which says whether
// to ring.
//
// The engine creates one bell per inbox and closes them all when it closes; any thread rings them.

#include <string>
#include <system_error>

#include "../core/inbox.h"
#include "../platform/bell.h"
#include "arguments.h"
#include "exports.h"

namespace flyshuttle::glue {

namespace {

/// A descriptor as JavaScript gives it; -1 (no bell) for whatever is none.
int read_descriptor(Napi::Value value) {
  return value.IsNumber() ? value.As<Napi::Number>().Int32Value() : -1;
}

Napi::Value create_bell(const Napi::CallbackInfo& info) {
  const int fd = bell::create();
  if (fd >= 0) return Napi::Number::New(info.Env(), fd);
  const std::string message = "no bell could be made: " + std::generic_category().message(-fd);
  napi_throw_error(info.Env(), nullptr, message.c_str());
  return {};
}

Napi::Value ring_bell(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), bell::ring(read_descriptor(info[0])));
}

Napi::Value close_bell(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), bell::close(read_descriptor(info[0])));
}

/// raiseReady(region, geometry, from, to, lane)
Napi::Value raise_ready_bit(const Napi::CallbackInfo& info) {
  Bytes region;
  Geometry geometry;
  double numbers[3];
  if (!read_region(info[0], &region) || !read_geometry(info[1], &geometry)) return {};
  const Layout layout(geometry);
  const double last = layout.threads - 1;
  if (!read_count(info[2], last, &numbers[0]) || !read_count(info[3], last, &numbers[1]) ||
      !read_count(info[4], 1, &numbers[2])) {
    return {};
  }
  if (region.length < layout.region_bytes) {
    refuse(info.Env(), "wanted a region as large as its geometry says");
    return {};
  }
  const Lane lane = numbers[2] == 0 ? Lane::Urgent : Lane::Bulk;
  const bool must_ring =
      raise_ready(region.data, layout, uint32_t(numbers[0]), uint32_t(numbers[1]), lane);
  return Napi::Boolean::New(info.Env(), must_ring);
}

}  // namespace

void export_bells(Napi::Env env, Napi::Object exports) {
  exports.Set("createBell", Napi::Function::New(env, create_bell, "createBell"));
  exports.Set("ringBell", Napi::Function::New(env, ring_bell, "ringBell"));
  exports.Set("closeBell", Napi::Function::New(env, close_bell, "closeBell"));
  exports.Set("raiseReady", Napi::Function::New(env, raise_ready_bit, "raiseReady"));
}

}  // namespace flyshuttle::glue
