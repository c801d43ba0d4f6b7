// Typed reads from tokenizer files: a UserError that names the file and the field otherwise.
#pragma once

#include <initializer_list>
#include <string>

#include "unlearn/core/json.h"

namespace unlearn::tokenizer {

// A JSON object and the name it has in messages ("dir/tokenizer.json: normalizer").
struct Fields {
  const Json& object;
  std::string where;

  // UserError unless `object` is a JSON object.
  Fields(const Json& json, std::string name);

  const Json* find(const std::string& key) const;  // nullptr when missing or null
  const Json& need(const std::string& key) const;
  std::string text(const std::string& key) const;
  std::string text_or(const std::string& key, const std::string& fallback) const;
  bool flag(const std::string& key) const;
  bool flag_or(const std::string& key, bool fallback) const;
  // A count or an id: 0 … 2^31-1.
  int32_t whole(const std::string& key) const;
  Fields child(const std::string& key) const;
  const Json& list(const std::string& key) const;
  // UserError for a key that is none of `known`: an unknown setting may change the ids.
  void only(std::initializer_list<const char*> known) const;
  std::string type() const { return text("type"); }
};

int32_t whole_number(const Json& value, const std::string& where);

}  // namespace unlearn::tokenizer
