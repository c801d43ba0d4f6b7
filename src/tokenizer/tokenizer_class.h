// The tokenizer class that transformers 5 takes for a folder, and the pipeline that the class
// builds in place of tokenizer.json's own.
#pragma once

#include <string>

#include "tokenizer/side_files.h"
#include "unlearn/core/json.h"

namespace unlearn::tokenizer {

enum class BuiltClass { kNone, kGpt2, kGptNeox, kQwen2, kLlama, kGemma };

// AutoTokenizer's choice (models/auto/tokenization_auto.py): kNone reads tokenizer.json as it is.
BuiltClass class_of(const SideFiles& files);
// transformers 4's, which asks tokenizer_config.json first and knows no list of exceptions.
BuiltClass class_of_transformers4(const SideFiles& files);

std::string class_name(BuiltClass which);

// The roles that the class fills where no file says anything ("<|endoftext|>", …).
void add_default_roles(BuiltClass which, Rules rules, SideFiles& files);

// `tokenizer` (the content of tokenizer.json) with the class's normalizer, pre_tokenizer, decoder
// and model flags; the vocabulary, the merges and the post_processor stay.
Json as_class_builds(BuiltClass which, const SideFiles& files, Json tokenizer);

// False where the class marks spaces with a character that the vocabulary does not have.
bool spells_spaces(BuiltClass which, const Json& tokenizer);

// Do the parts of two tokenizer.json that make ids differ?
bool other_pipeline(const Json& one, const Json& other);

}  // namespace unlearn::tokenizer
