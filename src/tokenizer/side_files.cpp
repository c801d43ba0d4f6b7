#include "tokenizer/side_files.h"

#include <algorithm>
#include <charconv>

#include "unlearn/core/error.h"

namespace unlearn::tokenizer {
namespace {

constexpr const char* kNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                  "pad_token", "cls_token", "mask_token"};

AddedToken named_token(const Json& value, const std::string& where) {
  AddedToken token;
  if (value.is_string()) {
    token.content = value.get<std::string>();
  } else {
    token = parse_added_token(Fields(value, where));
  }
  token.special = true;
  return token;
}

// A list of tokens, or a map of names to tokens (multimodal models).
void read_extra_tokens(const Fields& fields, const char* key, SideFiles& out) {
  const Json* extra = fields.find(key);
  if (extra == nullptr) return;
  const char* name = extra->is_object() ? SideFiles::kOwnName : SideFiles::kExtra;
  for (const Json& value : *extra) {
    out.named.emplace_back(name, named_token(value, cat(fields.where, ": ", key)));
  }
}

// A later file's names win over an earlier one's.
void read_names(const Fields& fields, SideFiles& out) {
  for (const char* name : kNames) {
    const auto entry = fields.object.find(name);
    if (entry == fields.object.end()) continue;
    std::erase_if(out.named, [&](const auto& one) { return one.first == name; });
    out.without_value.erase(name);
    if (entry->is_null()) {
      out.without_value.insert(name);
    } else {
      out.named.emplace_back(name, named_token(*entry, cat(fields.where, ": ", name)));
    }
  }
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    read_extra_tokens(fields, key, out);
  }
}

// transformers 5: any other text setting that ends in "_token" is a special token too.
void read_own_names(const Fields& fields, SideFiles& out) {
  for (const auto& [key, value] : fields.object.items()) {
    const bool usual = std::find(std::begin(kNames), std::end(kNames), key) != std::end(kNames);
    if (usual || !key.ends_with("_token") || !value.is_string()) continue;
    out.named.emplace_back(SideFiles::kOwnName, named_token(value, cat(fields.where, ": ", key)));
  }
}

int32_t parse_id(const std::string& text, const std::string& where) {
  int32_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0 || id > (1 << 24)) {
    user_error(where, ": '", text, "' is not a token id");
  }
  return id;
}

void read_tokenizer_config(const Fields& fields, SideFiles& out) {
  const auto flag = [&](const char* key) -> std::optional<bool> {
    if (fields.find(key) == nullptr) return std::nullopt;
    return fields.flag(key);
  };
  out.add_bos = flag("add_bos_token");
  out.add_eos = flag("add_eos_token");
  out.legacy = flag("legacy");
  out.add_prefix_space = flag("add_prefix_space");
  out.split_special_tokens = fields.flag_or("split_special_tokens", false);
  out.tokenizer_class = fields.text_or("tokenizer_class", "");
  if (fields.find("added_tokens_decoder") != nullptr) {
    const Fields decoder = fields.child("added_tokens_decoder");
    out.has_decoder = true;
    for (const auto& item : decoder.object.items()) {
      const std::string where = cat(decoder.where, ": ", item.key());
      out.added.push_back(
          {parse_id(item.key(), where), parse_added_token(Fields(item.value(), where))});
    }
  }
  read_names(fields, out);
  read_own_names(fields, out);
}

// Special is what has a role; text of the others is compared after normalisation.
void read_added_tokens(const Fields& fields, SideFiles& out) {
  for (const auto& item : fields.object.items()) {
    AddedToken token;
    token.content = item.key();
    token.special = std::any_of(out.named.begin(), out.named.end(), [&](const auto& named) {
      return named.second.content == token.content;
    });
    out.added.push_back({whole_number(item.value(), cat(fields.where, ": ", item.key())), token});
  }
}

// A token id or a list of them (several end-of-turn tokens); -1, and no other negative number, is
// some configs' way to say none.
std::vector<int32_t> read_ids(const Fields& fields, const char* key) {
  const Json* value = fields.find(key);
  if (value == nullptr) return {};
  const std::string where = cat(fields.where, ": ", key);
  std::vector<int32_t> ids;
  for (const Json& id : value->is_array() ? *value : Json::array({*value})) {
    const bool is_none = id.is_number_integer() && id == -1;
    if (!is_none) ids.push_back(whole_number(id, where));
  }
  return ids;
}

// The first id where an earlier file named none.
void read_id(const Fields& fields, const char* key, std::optional<int32_t>& out) {
  const std::vector<int32_t> ids = read_ids(fields, key);
  if (!out && !ids.empty()) out = ids.front();
}

}  // namespace

const AddedToken* SideFiles::find(const std::string& name) const {
  for (const auto& [key, token] : named) {
    if (key == name) return &token;
  }
  return nullptr;
}

void SideFiles::set(const std::string& name, const AddedToken& token) {
  if (find(name) == nullptr && !without_value.contains(name)) named.emplace_back(name, token);
}

void SideFiles::sort_roles() {
  const auto rank = [](const std::string& name) {
    if (name == kExtra) return std::size(kNames) + 1;
    return static_cast<size_t>(std::find(std::begin(kNames), std::end(kNames), name) -
                               std::begin(kNames));
  };
  std::stable_sort(named.begin(), named.end(),
                   [&](const auto& a, const auto& b) { return rank(a.first) < rank(b.first); });
}

SpecialIds model_special_ids(const std::filesystem::path& folder) {
  SpecialIds ids = read_side_files(folder).model_ids;
  stop_at_eos(ids);
  return ids;
}

SideFiles read_side_files(const std::filesystem::path& folder) {
  SideFiles out;
  const auto visit = [&](const char* name, const auto& read) {
    const std::filesystem::path file = folder / name;
    if (!std::filesystem::exists(file)) return;
    const Json json = read_json(file);
    read(Fields(json, file.string()));
  };
  visit("tokenizer_config.json", [&](const Fields& f) { read_tokenizer_config(f, out); });
  if (!out.has_decoder) {
    visit("special_tokens_map.json", [&](const Fields& f) { read_names(f, out); });
    visit("added_tokens.json", [&](const Fields& f) { read_added_tokens(f, out); });
  }
  std::sort(out.added.begin(), out.added.end(),
            [](const NumberedToken& a, const NumberedToken& b) { return a.id < b.id; });
  visit("config.json", [&](const Fields& f) {
    out.model_type = f.text_or("model_type", "");
    out.model_tokenizer_class = f.text_or("tokenizer_class", "");
  });
  for (const char* name : {"config.json", "generation_config.json"}) {
    visit(name, [&](const Fields& f) {
      read_id(f, "bos_token_id", out.model_ids.bos);
      read_id(f, "eos_token_id", out.model_ids.eos);
      // Not pad_token_id: a tokenizer pads with a token that it names itself, or has none.
      out.model_ids.stops = read_ids(f, "eos_token_id");  // the last file alone counts
    });
  }
  return out;
}

SpecialIds special_ids(const SideFiles& files, const Tokenizer& tokenizer) {
  SpecialIds ids = files.model_ids;
  const auto set = [&](const char* name, std::optional<int32_t>& id) {
    const AddedToken* token = files.find(name);
    if (token == nullptr) return;
    if (const auto found = tokenizer.token_to_id(token->content)) id = found;
  };
  set("bos_token", ids.bos);
  set("eos_token", ids.eos);
  set("pad_token", ids.pad);
  set("unk_token", ids.unk);
  stop_at_eos(ids);
  return ids;
}

void stop_at_eos(SpecialIds& ids) {
  const auto& stops = ids.stops;
  if (ids.eos && std::find(stops.begin(), stops.end(), *ids.eos) == stops.end()) {
    ids.stops.push_back(*ids.eos);
  }
}

}  // namespace unlearn::tokenizer
