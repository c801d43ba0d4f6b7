#include "run/audit/settings.h"

#include "unlearn/config/nested_fields.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/run/catalogue.h"

namespace unlearn::run {
namespace fs = std::filesystem;

AuditSettings::AuditSettings() {
  for (const auto& attack : attacks::registered_attacks()) attacks.push_back(attack.make());
}

void AuditSettings::visit(config::FieldVisitor& visitor) {
  visitor.field("benign_text", benign_text,
                {.help = "unrelated text to fine-tune on (plain text file); auto: a bundled page"});
  visitor.field("depth.rows", depth.rows,
                {.help = "depth score: JSONL with question, answer, prefix and entity of forget "
                         "rows (of the answer, what is to be gone); without it whole answers"});
  visitor.field("depth.pre_norm", depth.pre_norm,
                {.help = "depth score: put the last block's output in place before the final norm, "
                         "not (as the score's repository) behind it"});
  visitor.field("depth.attacks", depth.attacks,
                {.help = "depth score and logit lens after every attack on the weights, too"});
  const auto& registered = attacks::registered_attacks();
  for (size_t i = 0; i < attacks.size(); ++i) {
    config::NestedFields fields(visitor, registered[i].name);
    attacks[i]->visit(fields);
  }
}

AuditSettings take_audit_settings(config::Settings& settings) {
  config::Settings own;
  const config::Settings all = settings;
  for (const auto& [key, setting] : all.values()) {
    if (!key.starts_with("audit.")) continue;
    own.set(key, setting.value, setting.origin);
    settings.erase(key);
  }
  AuditSettings audit;
  config::SettingsReader reader(own);
  reader.read("audit", audit);
  reader.refuse_unknown();
  return audit;
}

std::string read_benign_text(const std::string& file) {
  if (file != "auto") {
    if (!fs::exists(file)) user_error("audit.benign_text: ", file, " is not there");
    return read_file(file);
  }
  for (const fs::path& configs : config_folders()) {
    const fs::path bundled = configs.parent_path() / "data/benign.txt";
    if (fs::exists(bundled)) return read_file(bundled);
  }
  return {};
}

}  // namespace unlearn::run
