// certificate.json: what a removal was made of, and whether it is still so.
#pragma once

#include "unlearn/run/prepare.h"
#include "unlearn/run/verify.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::run {

// Of a folder with a removal whose weights are saved.
void write_certificate(const RunConfig& config, const PreparedRun& run, train::RunFolder& folder);

// Compares what certificate.json names with what is there, and trains again where that is asked
// for. Prints a line for each. Whether something differs.
bool certificate_differs(const VerifyRequest& request);

}  // namespace unlearn::run
