// The `data:` section, beside the benchmark.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "unlearn/config/fields.h"
#include "unlearn/data/pair_stream.h"

namespace unlearn::data {

// How long texts become examples: as each benchmark published it, or as OpenUnlearning does.
enum class Chunking : uint8_t { kPublished, kOpenUnlearning };
inline constexpr config::Named<Chunking> kChunkings[] = {{Chunking::kPublished, "published"},
                                                         {Chunking::kOpenUnlearning, "ou"}};

struct DataConfig {
  std::string root;                 // folder of the benchmark's files
  std::string forget = "forget01";  // split name or file (muse: "news", "news/scal/forget_2")
  std::string retain = "auto";      // split name, file, "auto" (by benchmark), "none"
  std::string train = "full";       // finetune: split name or file
  std::string alternate = "auto";   // refusal lines: file, or "auto" (<root>/idontknow.jsonl)
  int64_t max_length = 500;
  Chunking chunking = Chunking::kPublished;  // of muse and wmdp
  bool allow_overlap = false;                // forget rows may be retain rows too
  std::optional<Pairing> pairing;            // unset: by benchmark
  std::string question_key = "question";
  std::string answer_key = "answer";
  std::string alternate_key = "alternate";
  std::string text_key = "text";
  void visit(config::FieldVisitor& visitor);
};

}  // namespace unlearn::data
