// The `audit:` section: the attacks' own settings, and what they share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "unlearn/attacks/attack.h"
#include "unlearn/config/settings.h"

namespace unlearn::run {

// Of the white-box measures (depth.h).
struct DepthSettings {
  std::string rows;       // file of question, answer, prefix and entity; "": whole answers
  bool pre_norm = false;  // scoring::LayerScoresOptions
  bool attacks = false;   // also of every model whose weights are attacked
};

struct AuditSettings {
  DepthSettings depth;
  std::string benign_text = "auto";                       // file; auto: the bundled page
  std::vector<std::unique_ptr<attacks::Attack>> attacks;  // as registered

  AuditSettings();
  void visit(config::FieldVisitor& visitor);
};

// Takes the keys below "audit" out of `settings` and reads them; UserError for an unknown one.
AuditSettings take_audit_settings(config::Settings& settings);

// The text of benign_text; UserError when the file is not there.
std::string read_benign_text(const std::string& file);

}  // namespace unlearn::run
