// Settings of one run of the synthetic experiment.
#pragma once

#include <string>
#include <vector>

#include "unlearn/config/settings.h"
#include "unlearn/losses/loss.h"
#include "unlearn/markov/decoder.h"
#include "unlearn/markov/sequences.h"

namespace unlearn::markov {

// What a pass of plain next-state training needs.
struct PretrainOptions {
  int64_t epochs = 5;
  int64_t batch_size = 128;
  double lr = 5e-4;
};

struct UnlearnOptions {
  int64_t iterations = 50;
  int64_t batch_size = 4;
  double lr = 5e-4;
};

// kLength: Forget2's sequences are short. kMemorisation: the original model never saw Forget2.
enum class Experiment : uint8_t { kLength, kMemorisation };
inline constexpr config::Named<Experiment> kExperiments[] = {
    {Experiment::kLength, "length"}, {Experiment::kMemorisation, "memorisation"}};

struct StudyConfig {
  Experiment experiment = Experiment::kLength;
  CorpusOptions corpus;
  bool pretrain_forget2 = true;  // the original model is trained on Forget2 too
  DecoderOptions decoder;
  PretrainOptions pretrain;
  UnlearnOptions unlearn;
  std::vector<std::string> methods = {"npo", "simnpo"};

  void visit(config::FieldVisitor& visitor);
};

// A study's settings and its losses, ready to run.
struct Study {
  StudyConfig config;
  std::vector<std::unique_ptr<losses::Loss>> losses;  // one per method
  Json resolved;                                      // every value used
};

// The experiment's published values (Unlearn-Simple synthetic/, appendix H), then `user`'s. Method
// parameters are `method.<name>.<field>`. UserError for unknown keys and for methods that need more
// than forget sequences.
Study resolve_study(Experiment experiment, const config::Settings& user);

}  // namespace unlearn::markov
