// What a run of `unlearn forget` leaves to be read and checked.
#pragma once

#include <filesystem>
#include <future>
#include <map>
#include <string>

#include "unlearn/core/json.h"
#include "unlearn/data/splits.h"
#include "unlearn/metrics/own_data/verdict.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::run {

// SHA-256 over names and contents of a model folder's weights, configuration and tokenizer.
std::string model_sha256(const std::filesystem::path& folder);
// The same of a folder whose files are opened now, and may be gone when they are hashed.
std::future<std::string> model_sha256_in_background(const std::filesystem::path& folder);
// Of the running program.
std::string program_sha256();

// Of model (given), forget, retain (null where there is none), result and program, as verdict.json
// has them. Rows by the bytes that were read (core/read_log.h), which the files may not hold any
// more.
Json verdict_hashes(const std::string& model, const data::Splits& splits,
                    const std::filesystem::path& result);

// Date, machine and program of now; settings and hashes as given.
metrics::own_data::Provenance provenance_now(Json settings, Json hashes,
                                             const std::string& prompt_template);

// verdict.json and report.html.
void write_verdict(train::RunFolder& folder, const Json& verdict);

}  // namespace unlearn::run
