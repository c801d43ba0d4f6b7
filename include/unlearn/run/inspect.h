// What a checkpoint folder holds.
#pragma once

#include <filesystem>

#include "unlearn/core/json.h"

namespace unlearn::run {

// Family, parameters, dtypes, tokenizer, missing and unused tensors, as one flat object.
Json describe_folder(const std::filesystem::path& folder);

}  // namespace unlearn::run
