// Which tokenizer a folder has, by the rules of transformers 5 or 4.
#include <algorithm>

#include "tokenizer/json_tokenizer.h"
#include "tokenizer/side_files.h"
#include "tokenizer/tokenizer_class.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/core/strings.h"

namespace unlearn::tokenizer {
namespace {

// The classes of transformers 4 that set BOS and EOS by the flags alone.
std::optional<Affixes> affixes_of_transformers4(const JsonTokenizer& tokenizer, BuiltClass which,
                                                const SideFiles& files) {
  const bool neox = which == BuiltClass::kGptNeox;
  if (!neox && which != BuiltClass::kLlama && which != BuiltClass::kGemma) return std::nullopt;
  return tokenizer.flagged_affixes(files.add_bos.value_or(!neox), files.add_eos.value_or(false));
}

// transformers 4 has the classes' one pipeline setting in the file's own parts.
void set_prefix_space(const SideFiles& files, BuiltClass which, Json& tokenizer) {
  if (!files.add_prefix_space && which == BuiltClass::kNone) return;
  const auto part = tokenizer.find("pre_tokenizer");
  if (part == tokenizer.end() || !part->is_object() || !part->contains("add_prefix_space")) return;
  if (part->value("type", "") != "ByteLevel") return;
  (*part)["add_prefix_space"] = files.add_prefix_space.value_or(false);
}

class Loader {
 public:
  Loader(std::string where, SideFiles files, Rules rules)
      : where_(std::move(where)), files_(std::move(files)), rules_(rules) {
    own_class_ = class_of_transformers4(files_);
    class_ = rules_ == Rules::kTransformers5 ? class_of(files_) : own_class_;
  }

  std::unique_ptr<Tokenizer> from_json(Json json) {
    const Fields checked(json, where_);
    if (!is_bpe(json)) class_ = own_class_ = BuiltClass::kNone;
    Json effective = rules_ == Rules::kTransformers5 ? as_transformers5(std::move(json))
                                                     : as_transformers4(std::move(json));
    auto tokenizer = build(effective);
    choose_affixes(*tokenizer);
    return tokenizer;
  }

  // Of vocab.json and merges.txt: nothing but the class says how they are used.
  std::unique_ptr<Tokenizer> from_vocabulary(Json vocabulary, Json merges) {
    if (class_ != BuiltClass::kGpt2 && class_ != BuiltClass::kGptNeox &&
        class_ != BuiltClass::kQwen2) {
      user_error(where_, ": vocab.json and merges.txt alone do not say how text is split: ",
                 "\"tokenizer_class\" in tokenizer_config.json must be GPT2Tokenizer, ",
                 "GPTNeoXTokenizer or Qwen2Tokenizer (", described_class(), ")");
    }
    add_default_roles(class_, rules_, files_);
    files_.sort_roles();
    Json json = {{"added_tokens", Json::array()},
                 {"model", {{"vocab", std::move(vocabulary)}, {"merges", std::move(merges)}}}};
    auto tokenizer = build(as_class_builds(class_, files_, std::move(json)));
    tokenizer->set_affixes(
        tokenizer->flagged_affixes(files_.add_bos.value_or(false), files_.add_eos.value_or(false)));
    return tokenizer;
  }

 private:
  static bool is_bpe(const Json& json) {
    const auto model = json.find("model");
    return model != json.end() && model->is_object() && model->contains("merges");
  }

  std::string described_class() const {
    if (!files_.tokenizer_class.empty()) return cat("it is ", files_.tokenizer_class);
    return files_.model_type.empty() ? "there is none"
                                     : cat("there is none, and model_type is ", files_.model_type);
  }

  Json as_transformers4(Json json) {
    take_added_tokens(json, /*keep=*/true);
    set_prefix_space(files_, own_class_, json);
    class_ = BuiltClass::kNone;
    add_default_roles(own_class_, rules_, files_);
    files_.sort_roles();
    return json;
  }

  Json as_transformers5(Json json) {
    if (!spells_spaces(class_, json)) {
      log::warn(
          where_, ": the vocabulary is none of ", class_name(class_), ", which transformers 5 ",
          "takes for this folder and which would lose every space; tokenizer.json is read as ",
          "it is");
      class_ = BuiltClass::kNone;
    }
    add_default_roles(class_, rules_, files_);
    files_.sort_roles();
    take_added_tokens(json, class_ == BuiltClass::kNone);
    Json built = as_class_builds(class_, files_, json);
    Json of_4 = std::move(json);
    set_prefix_space(files_, own_class_, of_4);
    if (other_pipeline(built, of_4)) {
      log::warn(where_, ": transformers 5 takes the normalizer and splits ",
                class_ == BuiltClass::kNone ? "of this file" : "of " + class_name(class_),
                ", and so does this program; transformers 4 took ",
                class_ == BuiltClass::kNone ? "add_prefix_space of tokenizer_config.json"
                                            : "those of this file",
                ", which may give other ids (model.tokenizer: transformers4)");
    }
    return built;
  }

  // Without added_tokens_decoder the file's own added tokens stand for it. A class that builds its
  // tokenizer anew (`keep` is false) knows no others.
  void take_added_tokens(Json& json, bool keep) {
    if (!json.contains("added_tokens") || !json["added_tokens"].is_array()) return;
    if (!files_.has_decoder) {
      for (const Json& token : json["added_tokens"]) {
        const Fields fields(token, cat(where_, ": added_tokens"));
        const int32_t id = fields.whole("id");
        std::erase_if(files_.added, [&](const NumberedToken& one) { return one.id == id; });
        files_.added.push_back({id, parse_added_token(fields)});
      }
      std::stable_sort(files_.added.begin(), files_.added.end(),
                       [](const NumberedToken& a, const NumberedToken& b) { return a.id < b.id; });
    }
    if (!keep) json["added_tokens"] = Json::array();
  }

  std::unique_ptr<JsonTokenizer> build(const Json& json) const {
    const Fields fields(json, where_);
    auto tokenizer = std::make_unique<JsonTokenizer>(fields, files_);
    if (class_ == BuiltClass::kQwen2) tokenizer->mark_roles(files_);
    return tokenizer;
  }

  void choose_affixes(JsonTokenizer& tokenizer) const {
    const auto of_4 = affixes_of_transformers4(tokenizer, own_class_, files_);
    if (!of_4 ||
        (of_4->before == tokenizer.affixes().before && of_4->after == tokenizer.affixes().after)) {
      return;
    }
    if (rules_ == Rules::kTransformers4) {
      tokenizer.set_affixes(*of_4);
      return;
    }
    log::warn(where_, ": BOS and EOS around a text are those of its post_processor, as in ",
              "transformers 5; transformers 4 took add_bos_token and add_eos_token of ",
              "tokenizer_config.json (", of_4->before.empty() ? "no BOS" : "a BOS", ", ",
              of_4->after.empty() ? "no EOS" : "an EOS", "; model.tokenizer: transformers4)");
  }

  std::string where_;
  SideFiles files_;
  Rules rules_;
  BuiltClass class_, own_class_;
};

// Lines "left right" after a "#version" line.
Json read_merges_file(const std::filesystem::path& file) {
  Json merges = Json::array();
  for (const std::string& line : split(read_file(file), '\n')) {
    if (line.starts_with("#version") || line.empty()) continue;
    merges.push_back(line);
  }
  return merges;
}

}  // namespace

std::unique_ptr<Tokenizer> load_json_tokenizer(const std::filesystem::path& file, SideFiles files,
                                               Rules rules) {
  return Loader(file.string(), std::move(files), rules).from_json(read_json(file));
}

std::unique_ptr<Tokenizer> load_vocabulary_files(const std::filesystem::path& folder,
                                                 SideFiles files, Rules rules) {
  return Loader(folder.string(), std::move(files), rules)
      .from_vocabulary(read_json(folder / "vocab.json"), read_merges_file(folder / "merges.txt"));
}

std::vector<std::string> rules_names() { return {"transformers5", "transformers4"}; }

Rules rules_named(const std::string& name) {
  if (name == "transformers5") return Rules::kTransformers5;
  if (name == "transformers4") return Rules::kTransformers4;
  user_error("model.tokenizer: unknown rules '", name, "'; known: ", join(rules_names(), ", "));
}

bool has_tokenizer(const std::filesystem::path& folder) {
  const auto has = [&](const char* name) { return std::filesystem::exists(folder / name); };
  return has("tokenizer.json") || has("tokenizer.model") ||
         (has("vocab.json") && has("merges.txt"));
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder, Rules rules) {
  if (!std::filesystem::is_directory(folder)) {
    user_error(folder.string(), ": not a folder with a tokenizer");
  }
  if (!has_tokenizer(folder)) {
    user_error(folder.string(), ": no tokenizer.json, no tokenizer.model, and no vocab.json with ",
               "merges.txt in this folder");
  }
  SideFiles files = read_side_files(folder);
  const std::filesystem::path json = folder / "tokenizer.json";
  const std::filesystem::path model = folder / "tokenizer.model";
  if (std::filesystem::exists(json)) return load_json_tokenizer(json, std::move(files), rules);
  if (std::filesystem::exists(model)) return load_sentencepiece(model, files);
  return load_vocabulary_files(folder, std::move(files), rules);
}

}  // namespace unlearn::tokenizer
