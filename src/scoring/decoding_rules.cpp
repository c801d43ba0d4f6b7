#include "unlearn/scoring/decoding_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/strings.h"

namespace unlearn::scoring {
namespace {

namespace fs = std::filesystem;

// Keys without a say in which token greedy decoding takes: those of sampling's usual settings (the
// program's own flags take their place), of lengths (the caller's), of beams (alone they do
// nothing), of caches, of speculation, of what generate() returns, and names of files.
constexpr std::string_view kWithoutEffect =
    " _commit_hash _from_model_config assistant_confidence_threshold assistant_early_exit"
    " assistant_ensemble_weight assistant_lookbehind bos_token_id cache_config"
    " cache_implementation compile_config continuous_batching_config"
    " decoder_start_token_id disable_compile diversity_penalty do_sample early_stopping"
    " encoder_no_repeat_ngram_size encoder_repetition_penalty eos_token_id is_assistant"
    " length_penalty low_memory max_cache_len max_length max_matching_ngram_size"
    " max_new_tokens num_assistant_tokens num_assistant_tokens_schedule"
    " num_return_sequences output_attentions output_hidden_states output_logits"
    " output_scores pad_token_id prefill_chunk_size prompt_lookup_num_tokens"
    " remove_invalid_values renormalize_logits return_dict_in_generate"
    " return_legacy_cache speculation_type target_lookbehind temperature top_p"
    " transformers_version use_cache use_mtp ";

// They are obeyed.
constexpr std::string_view kRules =
    " sequence_bias repetition_penalty no_repeat_ngram_size bad_words_ids min_length"
    " min_new_tokens forced_bos_token_id forced_eos_token_id suppress_tokens"
    " begin_suppress_tokens exponential_decay_length_penalty ";

// They narrow what is drawn from, beside temperature and top_p.
constexpr std::string_view kOfSampling = " top_k min_p top_h typical_p eta_cutoff epsilon_cutoff ";

bool is_among(std::string_view names, std::string_view key) {
  return names.find(cat(" ", key, " ")) != std::string_view::npos;
}

// One file's values, checked.
class Reader {
 public:
  Reader(const Json& json, std::string where, int64_t vocab_size)
      : json_(json), where_(std::move(where)), vocab_size_(vocab_size) {
    if (!json.is_object()) user_error(where_, ": must be a JSON object");
  }

  // Null where the key is absent; null in the file counts as absent, as in transformers.
  const Json* find(const char* key) const {
    const auto entry = json_.find(key);
    return entry == json_.end() || entry->is_null() ? nullptr : &*entry;
  }

  double number(const char* key, const Json& value) const {
    if (!value.is_number()) refuse(key, "a number", value);
    return value.get<double>();
  }

  int64_t count(const char* key, const Json& value) const {
    const bool is_count =
        value.is_number_integer() && value >= 0 && value <= std::numeric_limits<int32_t>::max();
    if (!is_count) refuse(key, "a whole number of at least 0", value);
    return value.get<int64_t>();
  }

  int32_t id(const char* key, const Json& value) const {
    const bool is_id = value.is_number_integer() && value >= 0 && value < vocab_size_;
    if (!is_id) refuse(key, cat("token ids from 0 to ", vocab_size_ - 1), value);
    return value.get<int32_t>();
  }

  std::vector<int32_t> ids(const char* key, const Json& value) const {
    if (!value.is_array()) return {id(key, value)};
    std::vector<int32_t> out;
    for (const Json& item : value) out.push_back(id(key, item));
    return out;
  }

  // Ids that the model has no logit for can be suppressed, without effect.
  std::vector<int32_t> suppressed(const char* key, const Json& value) const {
    if (!value.is_array()) refuse(key, "a list of token ids", value);
    std::vector<int32_t> out;
    for (const Json& item : value) {
      if (!item.is_number_integer()) refuse(key, "a list of token ids", value);
      if (item >= 0 && item < vocab_size_) out.push_back(item.get<int32_t>());
    }
    return out;
  }

  std::vector<int32_t> sequence(const char* key, const Json& value) const {
    if (!value.is_array() || value.empty()) refuse(key, "non-empty lists of token ids", value);
    return ids(key, value);
  }

  [[noreturn]] void refuse(const char* key, const std::string& right, const Json& value) const {
    user_error(where_, ": ", key, ": must be ", right, ", not ", value.dump());
  }

 private:
  const Json& json_;
  std::string where_;
  int64_t vocab_size_;
};

// A list of [[ids], bias]; a later one takes the place of an equal earlier one, as in a dict.
std::vector<SequenceBias> read_biases(const Reader& reader, const Json& value) {
  constexpr const char* kKey = "sequence_bias";
  if (!value.is_array()) reader.refuse(kKey, "a list of [[token ids], bias]", value);
  std::vector<SequenceBias> biases;
  for (const Json& item : value) {
    if (!item.is_array() || item.size() != 2) {
      reader.refuse(kKey, "a list of [[token ids], bias]", value);
    }
    SequenceBias bias{reader.sequence(kKey, item[0]), reader.number(kKey, item[1])};
    const auto known = std::find_if(biases.begin(), biases.end(), [&](const SequenceBias& other) {
      return other.ids == bias.ids;
    });
    if (known != biases.end()) {
      known->bias = bias.bias;
    } else {
      biases.push_back(std::move(bias));
    }
  }
  return biases;
}

std::vector<SequenceBias> read_bad_words(const Reader& reader, const Json& value) {
  constexpr const char* kKey = "bad_words_ids";
  if (!value.is_array() || value.empty()) reader.refuse(kKey, "lists of token ids", value);
  std::vector<SequenceBias> words;
  for (const Json& item : value) {
    words.push_back({reader.sequence(kKey, item), -std::numeric_limits<double>::infinity()});
  }
  return words;
}

LengthDecay read_length_decay(const Reader& reader, const Json& value) {
  constexpr const char* kKey = "exponential_decay_length_penalty";
  if (!value.is_array() || value.size() != 2) reader.refuse(kKey, "[start, factor]", value);
  return {reader.count(kKey, value[0]), reader.number(kKey, value[1])};
}

void read_rules(const Reader& reader, DecodingRules& rules) {
  // Keeps the key when it is there and has an effect.
  const auto take = [&](const char* key, const auto& read) {
    const Json* value = reader.find(key);
    if (value != nullptr && read(key, *value)) rules.applied[key] = *value;
  };
  take("sequence_bias", [&](const char*, const Json& value) {
    rules.biases = read_biases(reader, value);
    return !rules.biases.empty();
  });
  take("repetition_penalty", [&](const char* key, const Json& value) {
    rules.repetition_penalty = reader.number(key, value);
    if (!(rules.repetition_penalty > 0)) reader.refuse(key, "above 0", value);
    return rules.repetition_penalty != 1;
  });
  const auto counted = [&](int64_t& field) {
    return [&](const char* key, const Json& value) {
      field = reader.count(key, value);
      return field > 0;
    };
  };
  take("no_repeat_ngram_size", counted(rules.no_repeat_ngram_size));
  take("bad_words_ids", [&](const char*, const Json& value) {
    rules.bad_words = read_bad_words(reader, value);
    return true;
  });
  take("min_length", counted(rules.min_length));
  take("min_new_tokens", counted(rules.min_new_tokens));
  take("forced_bos_token_id", [&](const char* key, const Json& value) {
    rules.forced_bos = reader.id(key, value);
    return true;
  });
  take("forced_eos_token_id", [&](const char* key, const Json& value) {
    rules.forced_eos = reader.ids(key, value);
    return !rules.forced_eos.empty();
  });
  take("exponential_decay_length_penalty", [&](const char*, const Json& value) {
    rules.length_decay = read_length_decay(reader, value);
    return true;
  });
  const auto suppressed = [&](std::vector<int32_t>& field) {
    return [&](const char* key, const Json& value) {
      field = reader.suppressed(key, value);
      return !field.empty();
    };
  };
  take("suppress_tokens", suppressed(rules.suppressed));
  take("begin_suppress_tokens", suppressed(rules.begin_suppressed));
}

// Keys of other ways to decode; true where this value changes greedy outputs.
bool decodes_otherwise(const std::string& key, const Json& value) {
  if (key == "num_beams" || key == "num_beam_groups") return !value.is_number() || value != 1;
  if (key == "penalty_alpha") return !value.is_number() || value != 0;
  if (key == "guidance_scale") return !value.is_number() || value != 1;
  return value != false;
}
constexpr std::string_view kOtherDecoding =
    " num_beams num_beam_groups penalty_alpha guidance_scale dola_layers constraints"
    " force_words_ids stop_strings token_healing max_time watermarking_config ";

// Before generation_config.json there was, these settings stood in config.json.
void note_old_place(const fs::path& file, DecodingRules& rules) {
  if (!fs::exists(file)) return;
  const Json json = read_json(file);
  std::vector<std::string> named;
  for (const auto& [key, value] : json.items()) {
    const bool is_default = value.is_null() || value == 0 || value == 1 || value.empty();
    if (is_among(kRules, key) && !is_default) named.push_back(cat(key, " ", value.dump()));
  }
  if (named.empty()) return;
  rules.notes.push_back(cat(file.string(), ": not applied: ", join(named, ", "),
                            "; transformers 5 reads generation_config.json alone (4 did not)"));
}

}  // namespace

DecodingRules read_decoding_rules(const fs::path& folder, int64_t vocab_size) {
  DecodingRules rules;
  rules.file = folder / "generation_config.json";
  if (!fs::exists(rules.file)) {
    note_old_place(folder / "config.json", rules);
    return rules;
  }
  const Json json = read_json(rules.file);
  read_rules(Reader(json, rules.file.string(), vocab_size), rules);
  std::vector<std::string> unknown;
  for (const auto& [key, value] : json.items()) {
    if (value.is_null() || is_among(kRules, key) || is_among(kWithoutEffect, key)) continue;
    if (is_among(kOfSampling, key)) {
      rules.unused.push_back(key);
    } else if (!is_among(kOtherDecoding, key)) {
      unknown.push_back(key);
    } else if (decodes_otherwise(key, value)) {
      rules.refused.push_back(cat(key, " ", value.dump()));
    }
  }
  if (!unknown.empty()) {
    rules.notes.push_back(
        cat(rules.file.string(), ": not known, without effect: ", join(unknown, ", ")));
  }
  return rules;
}

std::string DecodingRules::text() const {
  std::vector<std::string> parts;
  for (const auto& [key, value] : applied.items()) parts.push_back(cat(key, " ", value.dump()));
  return join(parts, ", ");
}

void DecodingRules::check(const std::string& off) const {
  if (refused.empty()) return;
  user_error(file.string(), ": ", join(refused, ", "),
             ": not built in, and outputs would not be transformers'; take it out, or decode "
             "without this file: ",
             off);
}

void DecodingRules::report(const std::string& off, bool sampled) const {
  if (!empty()) log::info("applied of ", file.string(), ": ", text(), " (", off, " leaves it out)");
  for (const std::string& note : notes) log::warn(note);
  if (sampled && !unused.empty()) {
    log::warn(file.string(), ": not applied to sampling: ", join(unused, ", "));
  }
}

}  // namespace unlearn::scoring
