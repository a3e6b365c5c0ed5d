// Copying between a user's bytes and the region for JavaScript: `copyBytes`.
//
// V8 copies into and out of shared memory one word after the other, as the memory model of
// JavaScript asks where two threads race; memcpy need not. Nobody races here: who claimed or polled
// a frame has it for itself. It is called for each payload that is long enough, while its
// worker may be terminating, so this is raw Node-API, and a call that fails is a refusal.

#include <cstring>

#include "arguments.h"
#include "exports.h"

namespace flyshuttle::glue {

namespace {

/// A Uint8Array and the whole number of bytes into it.
struct Place {
  uint8_t* data;
  size_t left;
};

bool read_place(napi_env env, napi_value array, napi_value offset, Place* out) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  double at;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array || napi_get_value_double(env, offset, &at) != napi_ok ||
      !(at >= 0 && at <= static_cast<double>(length))) {
    return false;
  }
  const size_t start = static_cast<size_t>(at);
  *out = {static_cast<uint8_t*>(data) + start, length - start};
  return true;
}

/// copyBytes(to, toOffset, from, fromOffset, bytes)
napi_value copy_bytes(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  size_t count = 5;
  Place to;
  Place from;
  double bytes;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count < 5 ||
      !read_place(env, arguments[0], arguments[1], &to) ||
      !read_place(env, arguments[2], arguments[3], &from) ||
      napi_get_value_double(env, arguments[4], &bytes) != napi_ok ||
      !(bytes >= 0 && bytes <= static_cast<double>(to.left) &&
        bytes <= static_cast<double>(from.left))) {
    refuse(env, "wanted two Uint8Arrays, with so many bytes from each offset on");
    return nullptr;
  }
  // Not memcpy: the two may be views of one memory. An empty array may have no address.
  if (bytes >= 1) std::memmove(to.data, from.data, static_cast<size_t>(bytes));
  return nullptr;
}

}  // namespace

void export_copying(Napi::Env env, Napi::Object exports) {
  napi_value function;
  if (napi_create_function(env, "copyBytes", NAPI_AUTO_LENGTH, copy_bytes, nullptr, &function) ==
      napi_ok) {
    exports.Set("copyBytes", function);
  }
}

}  // namespace flyshuttle::glue
