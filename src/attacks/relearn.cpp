// Relearning (arXiv 2410.07163, section 6.2; 2406.13356; 2502.05374): fine-tuning on a part of the
// forget set (random rows or the shortest answers), on the retain rows nearest to it (a graded set,
// arXiv 2506.15699), or on the retain set.
#include <algorithm>
#include <cmath>

#include "attacks/fine_tune.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"
#include "unlearn/metrics/own_data/damage.h"

namespace unlearn::attacks {
namespace {

using metrics::own_data::RowText;

std::vector<RowText> texts_of(const std::vector<data::Example>& rows,
                              const tokenizer::Tokenizer& tokenizer) {
  std::vector<RowText> texts;
  for (const data::Example& row : rows) {
    texts.push_back({tokenizer.decode(row.tokens, /*skip_special=*/true), ""});
  }
  return texts;
}

// The retain rows most like the forget rows by their words, nearest first.
std::vector<data::Example> nearest_rows(const Material& material, int64_t count) {
  const auto forget = texts_of(*material.forget, *material.tokenizer);
  const auto retain = texts_of(*material.retain, *material.tokenizer);
  std::vector<data::Example> rows;
  for (const auto& neighbour : metrics::own_data::neighbours(forget, retain, /*per_row=*/count)) {
    if (static_cast<int64_t>(rows.size()) == count) break;
    rows.push_back((*material.retain)[static_cast<size_t>(neighbour.row)]);
  }
  return rows;
}

// The rows with the fewest answer tokens; of equally long ones the first.
std::vector<data::Example> shortest_rows(std::vector<data::Example> rows, int64_t count) {
  std::ranges::stable_sort(rows, {}, &data::Example::num_labels);
  rows.resize(std::min(rows.size(), static_cast<size_t>(count)));
  return rows;
}

class Relearn : public Attack {
 public:
  void visit(config::FieldVisitor& v) override {
    v.field(
        "sets", sets_,
        {.help = "what is trained on: forget (random rows), shortest (the forget rows of the "
                 "shortest answers), graded (the retain rows most like the forget rows), retain "
                 "(random rows)"});
    v.field("forms", forms_, {.help = "full (all parameters), lora (a pair beside the layers)"});
    v.field("samples", samples_,
            {.help = "rows trained on; auto: a fifth of the forget rows",
             .min = 1,
             .unset_word = "auto"});
    v.field("epochs", epochs_, {.help = "passes over them, each measured", .min = 1});
    v.field("batch_size", batch_size_, {.help = "rows per step", .min = 1});
    v.field("lr", lr_,
            {.help = "learning rate; auto: the unlearning run's", .min = 0, .unset_word = "auto"});
    v.field("seeds", seeds_, {.help = "draws of rows", .min = 1});
  }

  std::vector<AttackedModel> attack(const Material& material) const override {
    std::vector<AttackedModel> ways;
    for (const std::string& set : sets_) {
      if (set != "forget" && set != "shortest" && set != "graded" && set != "retain") {
        user_error("audit.relearn.sets: '", set, "' is none of forget, shortest, graded, retain");
      }
      for (const std::string& form : forms_) {
        if (form != "full" && form != "lora") {
          user_error("audit.relearn.forms: '", form, "' is none of full, lora");
        }
        const bool is_first = set == sets_.front() && form == forms_.front();
        if (material.quick && !is_first) continue;
        ways.push_back(way(material, set, form == "lora"));
      }
    }
    return ways;
  }

 private:
  AttackedModel way(const Material& material, const std::string& set, bool lora) const {
    AttackedModel result{.id = cat("relearn-", set, lora ? "-lora" : "-full")};
    if (material.forget == nullptr || material.forget->empty()) {
      result.missing = "the forget rows to train on";
    } else if ((set == "graded" || set == "retain") &&
               (material.retain == nullptr || material.retain->empty())) {
      result.missing = "retain rows";
    }
    if (!result.missing.empty()) return result;
    const int64_t forget_rows = static_cast<int64_t>(material.forget->size());
    const int64_t count =
        samples_.value_or(std::max<int64_t>(1, std::llround(static_cast<double>(forget_rows) / 5)));
    FineTuning tuning;
    tuning.lr = lr_.value_or(material.lr);
    tuning.lora = lora;
    tuning.weight_decay = 0.01;
    // Where rows are drawn anew for every seed; null: they are chosen.
    const std::vector<data::Example>* drawn_from = set == "forget"   ? material.forget
                                                   : set == "retain" ? material.retain
                                                                     : nullptr;
    tuning.rows = drawn_from != nullptr ? draw_rows(*drawn_from, count, 0)
                  : set == "graded"     ? nearest_rows(material, count)
                                        : shortest_rows(*material.forget, count);
    const auto rows = static_cast<int64_t>(tuning.rows.size());
    if (rows == 0) {
      result.missing = "retain rows with a word of the forget rows";
      return result;
    }
    tuning.batch_size = std::min(batch_size_, rows);
    const int64_t per_epoch = (rows + tuning.batch_size - 1) / tuning.batch_size;
    tuning.steps = per_epoch * epochs_;
    tuning.measure_every = per_epoch;
    result.settings = tuning.settings();
    result.settings["set"] = set;
    result.settings["epochs"] = epochs_;
    result.seeds = material.quick ? 1 : seeds_;
    result.passes = tuning.passes();
    result.points = tuning.points();
    result.change_weights = [tuning, drawn_from, count](Subject& subject) {
      FineTuning own = tuning;
      if (drawn_from != nullptr) own.rows = draw_rows(*drawn_from, count, subject.seed);
      fine_tune(own, subject);
    };
    return result;
  }

  std::vector<std::string> sets_ = {"forget", "graded", "retain"};
  std::vector<std::string> forms_ = {"full", "lora"};
  std::optional<int64_t> samples_;
  int64_t epochs_ = 3, batch_size_ = 4, seeds_ = 3;
  std::optional<double> lr_;
};

}  // namespace

RegisteredAttack attack_relearn() {
  return {"relearn", "weights",
          "fine-tuning on a few forget rows, on the retain rows most like them, or on retain rows",
          "arXiv 2410.07163 section 6.2; 2502.05374",
          []() -> std::unique_ptr<Attack> { return std::make_unique<Relearn>(); }};
}

}  // namespace unlearn::attacks
