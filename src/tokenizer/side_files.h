// What the small files beside a tokenizer say: tokenizer_config.json, special_tokens_map.json,
// added_tokens.json, config.json, generation_config.json.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::tokenizer {

struct NumberedToken {
  int32_t id;
  AddedToken token;
};

struct SideFiles {
  // Special tokens in a list of their own (additional_special_tokens), and under other names than
  // the usual roles ("image_token").
  static constexpr const char* kExtra = "extra";
  static constexpr const char* kOwnName = "own";

  // "bos_token", "eos_token", "unk_token", "pad_token", … that have a value, and these two.
  std::vector<std::pair<std::string, AddedToken>> named;
  std::set<std::string> without_value;  // roles that a file sets to null
  std::vector<NumberedToken> added;     // added_tokens_decoder or added_tokens.json, by id
  // With added_tokens_decoder neither special_tokens_map.json nor added_tokens.json is read.
  bool has_decoder = false;
  std::optional<bool> add_bos, add_eos, legacy, add_prefix_space;
  bool split_special_tokens = false;
  std::string tokenizer_class;        // of tokenizer_config.json
  std::string model_tokenizer_class;  // of config.json
  std::string model_type;
  SpecialIds model_ids;  // config.json's and generation_config.json's bos_token_id, …

  const AddedToken* find(const std::string& name) const;
  // `token` for a role; one that the file names already stays in its place.
  void set(const std::string& name, const AddedToken& token);
  // The order in which transformers adds what is not in the vocabulary yet.
  void sort_roles();
};

SideFiles read_side_files(const std::filesystem::path& folder);

// The named tokens' ids, else those of the model's config.
SpecialIds special_ids(const SideFiles& files, const Tokenizer& tokenizer);
// Makes `eos` one of the ids that end a generation.
void stop_at_eos(SpecialIds& ids);

std::unique_ptr<Tokenizer> load_json_tokenizer(const std::filesystem::path& file, SideFiles files,
                                               Rules rules);
// vocab.json and merges.txt, which have no pipeline: the tokenizer's class knows it.
std::unique_ptr<Tokenizer> load_vocabulary_files(const std::filesystem::path& folder,
                                                 SideFiles files, Rules rules);
std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& file,
                                              const SideFiles& files);

}  // namespace unlearn::tokenizer
