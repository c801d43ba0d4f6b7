// What the small files beside a tokenizer say: tokenizer_config.json, special_tokens_map.json,
// added_tokens.json, config.json, generation_config.json.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
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
  // "bos_token", "eos_token", "unk_token", "pad_token", … that have a value.
  std::vector<std::pair<std::string, AddedToken>> named;
  std::vector<NumberedToken> added;  // added_tokens_decoder or added_tokens.json, by id
  std::optional<bool> add_bos, add_eos, legacy, add_prefix_space;
  SpecialIds model_ids;  // config.json's and generation_config.json's bos_token_id, …

  const AddedToken* find(const std::string& name) const;
};

SideFiles read_side_files(const std::filesystem::path& folder);

// The named tokens' ids, else those of the model's config.
SpecialIds special_ids(const SideFiles& files, const Tokenizer& tokenizer);
// Makes `eos` one of the ids that end a generation.
void stop_at_eos(SpecialIds& ids);

std::unique_ptr<Tokenizer> load_json_tokenizer(const std::filesystem::path& file,
                                               const SideFiles& files);
std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& file,
                                              const SideFiles& files);

}  // namespace unlearn::tokenizer
