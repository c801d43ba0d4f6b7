// The small files beside a tokenizer: each input holds five of them.
#include "fuzz.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace {

// A byte-pair tokenizer with few pieces.
constexpr const char* kSmallTokenizer = R"({"version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [{"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true}],
  "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false,
  "trim_offsets": true, "use_regex": true}, "post_processor": null, "decoder": {"type": "ByteLevel",
  "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
  "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
  "vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3, "\u0120": 4}, "merges": ["a b"]}})";

constexpr const char* kSideFiles[] = {"tokenizer_config.json", "special_tokens_map.json",
                                      "added_tokens.json", "config.json", "generation_config.json"};

}  // namespace

FUZZ_TARGET(side_files) {
  using unlearn::tokenizer::Rules;
  static const auto tokenizer_file = unlearn::fuzz::scratch_file("tokenizer.json", kSmallTokenizer);
  const auto parts = unlearn::fuzz::parts_of(input, std::size(kSideFiles));
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) {
      unlearn::fuzz::remove_scratch_file(kSideFiles[i]);
    } else {
      unlearn::fuzz::scratch_file(kSideFiles[i], parts[i]);
    }
  }
  for (const Rules rules : {Rules::kTransformers5, Rules::kTransformers4}) {
    unlearn::fuzz::attempt([&] {
      const auto tokenizer =
          unlearn::tokenizer::load_tokenizer(unlearn::fuzz::scratch_folder(), rules);
      tokenizer->decode(tokenizer->encode("ab <s>ba", true), true);
    });
  }
  unlearn::tokenizer::model_special_ids(unlearn::fuzz::scratch_folder());
}
