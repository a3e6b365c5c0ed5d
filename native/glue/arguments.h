// Reading arguments that JavaScript hands to the addon, and refusing what could make native code
// touch foreign memory.
//
// Every other file in `glue/` starts here. The checks are for our own mistakes: what users hand
// over has been checked in TypeScript long before. C++ exceptions are off, so a refusal sets a
// pending JavaScript exception and returns false.

#pragma once

#include <napi.h>

#include <cstdint>

#include "../core/layout.h"
#include "../core/ring.h"

namespace flyshuttle::glue {

/// Memory behind a typed array. It never moves; it lives as long as something holds the array.
struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

/// Sets a pending TypeError, unless one is pending already or JavaScript cannot run any more.
/// Always false. In a worker that is being terminated any call may fail that way, without an
/// exception to show for it: what failed is left alone then, and nothing is insisted on.
inline bool refuse(napi_env env, const char* what) {
  napi_throw_type_error(env, nullptr, what);
  return false;
}

/// The bytes of a typed array of one kind, also over shared memory (which
/// `napi_get_arraybuffer_info` cannot tell).
inline bool read_bytes(Napi::Value value, napi_typedarray_type wanted, Bytes* out) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  napi_env env = value.Env();
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != wanted) {
    return refuse(env, wanted == napi_int32_array ? "wanted an Int32Array" : "wanted a Uint8Array");
  }
  *out = {static_cast<uint8_t*>(data),
          wanted == napi_int32_array ? length * sizeof(int32_t) : length};
  return true;
}

/// The region: words in it must be aligned.
inline bool read_region(Napi::Value value, Bytes* out) {
  if (!read_bytes(value, napi_uint8_array, out)) return false;
  if (reinterpret_cast<uintptr_t>(out->data) % FRAME_ALIGN_BYTES == 0) return true;
  return refuse(value.Env(), "wanted a region that starts at a multiple of 8");
}

/// A whole number from 0 to `max`.
inline bool read_count(Napi::Value value, double max, double* out) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= max) ||
      number != static_cast<double>(static_cast<uint64_t>(number))) {
    return refuse(value.Env(), "wanted a whole number in range");
  }
  *out = number;
  return true;
}

inline bool read_u32(Napi::Value value, uint32_t* out) {
  double number;
  if (!read_count(value, UINT32_MAX, &number)) return false;
  *out = static_cast<uint32_t>(number);
  return true;
}

/// Whether a value is `true`. Not `ToBoolean`, which runs as JavaScript does, and so fails in a
/// worker that is being terminated, with an empty value that aborts whoever uses it.
inline bool is_true(Napi::Value value) {
  bool is_set = false;
  return napi_get_value_bool(value.Env(), value, &is_set) == napi_ok && is_set;
}

/// `[threads, bulkRingBytes, urgentRingBytes, dictionaryBytes, changeLogBytes, subscriptions,
/// queueBytes, chunkBytes]`
inline bool read_geometry(Napi::Value value, Geometry* out) {
  constexpr uint32_t count = sizeof(Geometry) / sizeof(uint32_t);
  if (!value.IsArray() || value.As<Napi::Array>().Length() != count) {
    return refuse(value.Env(), "wanted a geometry of eight numbers");
  }
  const Napi::Array numbers = value.As<Napi::Array>();
  uint32_t* const fields[count] = {&out->threads,           &out->bulk_ring_bytes,
                                   &out->urgent_ring_bytes, &out->dictionary_bytes,
                                   &out->change_log_bytes,  &out->subscriptions,
                                   &out->queue_bytes,       &out->chunk_bytes};
  for (uint32_t index = 0; index < count; index++) {
    const Napi::Value number = numbers.Get(index);
    if (number.IsEmpty() || !read_u32(number, fields[index])) return false;
  }
  if (out->threads >= 1 && out->threads <= THREADS_MAX) return true;
  return refuse(value.Env(), "wanted a geometry of 1 to 64 threads");
}

/// A ring inside a region: byte offsets of its words and its data, and its size, all within the
/// region.
inline bool read_ring_place(const Bytes& region, Napi::Value words, Napi::Value data,
                            Napi::Value ring_bytes, RingPlace* out) {
  double numbers[3];
  const double max = static_cast<double>(region.length);
  if (!read_count(words, max, &numbers[0]) || !read_count(data, max, &numbers[1]) ||
      !read_count(ring_bytes, max, &numbers[2])) {
    return false;
  }
  *out = {uint64_t(numbers[0]), uint64_t(numbers[1]), uint64_t(numbers[2])};
  const bool is_power_of_two =
      out->ring_bytes >= 64 && (out->ring_bytes & (out->ring_bytes - 1)) == 0;
  if (is_power_of_two && out->words % 4 == 0 && out->data % FRAME_ALIGN_BYTES == 0 &&
      out->words + LANE_WORDS_BYTES <= region.length &&
      out->data + out->ring_bytes <= region.length) {
    return true;
  }
  return refuse(words.Env(), "wanted an aligned ring of a power of two bytes inside the region");
}

}  // namespace flyshuttle::glue
