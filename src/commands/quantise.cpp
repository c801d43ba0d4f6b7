// unlearn quantise: a model folder whose weights are what a copy of few bits would compute with.
#include <cmath>
#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json.h"
#include "unlearn/core/strings.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::commands {
namespace {

struct QuantiseFlags {
  std::string model, output, format;
  std::optional<int64_t> bits;
  bool overwrite = false;
};

// "int8 (8 bits: int8 with one scale per row), …"
std::string formats_help() {
  std::vector<std::string> entries;
  for (const model::WeightFormat& format : model::weight_formats()) {
    entries.push_back(cat(format.name, " (", format.help, ")"));
  }
  return join(entries, ", ");
}

// "8: int8, 4: nf4_fp32"
std::string bits_help() {
  std::vector<std::string> entries;
  for (const model::WeightFormat& format : model::weight_formats()) {
    if (format.copy_bits != 0) entries.push_back(cat(format.copy_bits, ": ", format.name));
  }
  return join(entries, ", ");
}

const model::WeightFormat& chosen_format(const QuantiseFlags& flags) {
  if (flags.bits.has_value() == !flags.format.empty()) {
    user_error("--bits, --format: exactly one of them says what the weights are rounded to");
  }
  return flags.bits ? *model::format_of_copy_bits(*flags.bits, "--bits")
                    : model::weight_format(flags.format, "--format");
}

}  // namespace

int run_quantise(std::vector<std::string> arguments) {
  SharedFlags shared;
  QuantiseFlags flags;
  cli::Flags app("a model folder with the weights of a copy of few bits", "quantise",
                 "unlearn quantise --model runs/simnpo/model --bits 4 --output runs/simnpo-4bit");
  app.add_option("--model", flags.model, "Hugging Face model folder").required();
  app.add_option("--format", flags.format, formats_help()).one_of(model::weight_format_names());
  app.add_option("--bits", flags.bits, "a format by its number of bits; " + bits_help());
  app.add_option("--output", flags.output, "folder for the result, in the model's own dtype")
      .required();
  app.add_flag("--overwrite", flags.overwrite, "replace the model in --output");
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  const model::WeightFormat& format = chosen_format(flags);
  const model::RoundingReport report =
      model::write_rounded_copy(flags.model, format, flags.output, flags.overwrite);
  const Json line = {{"bits", format.bits},
                     {"format", format.name},
                     {"tensors", report.tensors},
                     {"weights", report.weights},
                     {"relative_error", std::sqrt(report.squared_error / report.squared_weights)}};
  std::cout << line.dump() << "\n";
  return 0;
}

}  // namespace unlearn::commands
