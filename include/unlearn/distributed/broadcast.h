// Values of the first process on all of them.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "unlearn/distributed/group.h"

namespace unlearn::distributed {

// The first process's value. A Value has `std::string to_bytes() const` and
// `static Value from_bytes(const std::string&)`, which undoes it.
template <class Value>
Value broadcast(const Group& group, const Value& own) {
  if (group.size() == 1) return own;
  return Value::from_bytes(group.broadcast_bytes(group.leads() ? own.to_bytes() : ""));
}

// What `make` returns on the first process; it is not run on the others. When it throws, all fail
// (Group::all_or_none).
template <class Value>
Value from_leader(const Group& group, const std::function<Value()>& make) {
  std::optional<Value> own;
  group.all_or_none([&] {
    if (group.leads()) own.emplace(make());
  });
  return broadcast(group, own ? *own : Value());
}

}  // namespace unlearn::distributed
