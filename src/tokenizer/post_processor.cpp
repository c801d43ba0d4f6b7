#include "tokenizer/post_processor.h"

#include "tokenizer/json_fields.h"
#include "unlearn/core/error.h"

namespace unlearn::tokenizer {
namespace {

void append_special(const Fields& fields, const std::string& name, std::vector<int32_t>& out) {
  const Fields token = fields.child("special_tokens").child(name);
  for (const Json& id : token.list("ids"))
    out.push_back(whole_number(id, cat(token.where, ": id")));
}

Affixes template_processing(const Fields& fields) {
  fields.only({"type", "single", "pair", "special_tokens"});
  Affixes out;
  bool seen = false;
  for (const Json& json : fields.list("single")) {
    const Fields piece(json, cat(fields.where, ": single"));
    piece.only({"Sequence", "SpecialToken"});
    if (piece.find("SpecialToken") != nullptr) {
      append_special(fields, piece.child("SpecialToken").text("id"), seen ? out.after : out.before);
      continue;
    }
    if (piece.child("Sequence").text("id") != "A" || seen) {
      user_error(piece.where, ": must hold the sequence A exactly once");
    }
    seen = true;
  }
  if (!seen) user_error(fields.where, ": single: must hold the sequence A exactly once");
  return out;
}

// ["</s>", 2]: the name and the id.
int32_t paired_id(const Fields& fields, const std::string& key) {
  const Json& pair = fields.list(key);
  if (pair.size() != 2) user_error(fields.where, ": '", key, "' must be [token, id]");
  return whole_number(pair[1], cat(fields.where, ": '", key, "'"));
}

Affixes sequence(const Fields& fields) {
  fields.only({"type", "processors"});
  Affixes out;
  for (const Json& part : fields.list("processors")) {
    Affixes inner = read_post_processor(part, fields.where);
    out.before.insert(out.before.begin(), inner.before.begin(), inner.before.end());
    out.after.insert(out.after.end(), inner.after.begin(), inner.after.end());
  }
  return out;
}

}  // namespace

Affixes read_post_processor(const Json& json, const std::string& where) {
  if (json.is_null()) return {};
  const std::string type = Fields(json, cat(where, ": post_processor")).type();
  const Fields fields(json, cat(where, ": post_processor ", type));
  if (type == "ByteLevel") return {};  // it only moves offsets
  if (type == "TemplateProcessing") return template_processing(fields);
  if (type == "RobertaProcessing" || type == "BertProcessing") {
    fields.only({"type", "sep", "cls", "trim_offsets", "add_prefix_space"});
    return {{paired_id(fields, "cls")}, {paired_id(fields, "sep")}};
  }
  if (type == "Sequence") return sequence(fields);
  user_error(where, ": post_processor '", type, "' is not supported (known: ByteLevel, ",
             "TemplateProcessing, RobertaProcessing, BertProcessing, Sequence)");
}

}  // namespace unlearn::tokenizer
