// Placement for JavaScript: `setAffinity`, `getAffinity`, `preferNode`, `nodesOf`.
//
// `src/placement` calls them, when threads start and when somebody looks. Outcomes are numbers, a
// refusal by the kernel too: it is for TypeScript to say what a negative errno means for an engine.

#include "../platform/placement.h"
#include "arguments.h"
#include "exports.h"

namespace flyshuttle::glue {

namespace {

int32_t* words_of(const Bytes& bytes) { return reinterpret_cast<int32_t*>(bytes.data); }

/// setAffinity(cpus)
Napi::Value set_affinity(const Napi::CallbackInfo& info) {
  Bytes cpus;
  if (!read_bytes(info[0], napi_int32_array, &cpus)) return {};
  const int result = placement::set_affinity(words_of(cpus), cpus.length / sizeof(int32_t));
  return Napi::Number::New(info.Env(), result);
}

/// getAffinity(cpus)
Napi::Value get_affinity(const Napi::CallbackInfo& info) {
  Bytes cpus;
  if (!read_bytes(info[0], napi_int32_array, &cpus)) return {};
  const int result = placement::get_affinity(words_of(cpus), cpus.length / sizeof(int32_t));
  return Napi::Number::New(info.Env(), result);
}

/// A part of the region: (region, offset, bytes).
bool read_range(const Napi::CallbackInfo& info, Bytes* out) {
  Bytes region;
  double numbers[2];
  if (!read_region(info[0], &region)) return false;
  const double length = static_cast<double>(region.length);
  if (!read_count(info[1], length, &numbers[0]) ||
      !read_count(info[2], length - numbers[0], &numbers[1])) {
    return false;
  }
  *out = {region.data + static_cast<size_t>(numbers[0]), static_cast<size_t>(numbers[1])};
  return true;
}

/// preferNode(region, offset, bytes, node)
Napi::Value prefer_node(const Napi::CallbackInfo& info) {
  Bytes range;
  double node;
  if (!read_range(info, &range) || !read_count(info[3], INT32_MAX, &node)) return {};
  const int result = placement::prefer_node(range.data, range.length, static_cast<int>(node));
  return Napi::Number::New(info.Env(), result);
}

/// nodesOf(region, offset, bytes, nodes)
Napi::Value nodes_of(const Napi::CallbackInfo& info) {
  Bytes range;
  Bytes nodes;
  if (!read_range(info, &range) || !read_bytes(info[3], napi_int32_array, &nodes)) return {};
  const int result = placement::nodes_of(range.data, range.length, words_of(nodes),
                                         nodes.length / sizeof(int32_t));
  return Napi::Number::New(info.Env(), result);
}

}  // namespace

void export_placement(Napi::Env env, Napi::Object exports) {
  exports.Set("setAffinity", Napi::Function::New(env, set_affinity, "setAffinity"));
  exports.Set("getAffinity", Napi::Function::New(env, get_affinity, "getAffinity"));
  exports.Set("preferNode", Napi::Function::New(env, prefer_node, "preferNode"));
  exports.Set("nodesOf", Napi::Function::New(env, nodes_of, "nodesOf"));
}

}  // namespace flyshuttle::glue
