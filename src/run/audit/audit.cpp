// One audit from its request to its folder.
#include "unlearn/run/audit.h"

#include "run/audit/auditor.h"
#include "unlearn/core/files.h"
#include "unlearn/core/lock.h"
#include "unlearn/report/audit_page.h"
#include "unlearn/train/signals.h"

namespace unlearn::run {
namespace fs = std::filesystem;

Json run_audit(const AuditRequest& request) {
  train::SignalWatch::ignore_outside();
  const auto inputs = audit_inputs(request);
  OwnFolder(request.output).check_free({"audit.json", "audit.html", "costs.json", "plan.json"});
  fs::create_directories(request.output);
  const FileLock lock(request.output / FileLock::kName, request.output.string());
  OwnFolder folder(request.output);
  Auditor auditor(request, *inputs, folder);
  auditor.measure_unlearned();
  if (request.budget_minutes) auditor.apply_budget(*request.budget_minutes);
  auditor.measure_ways();
  Json result = auditor.result();
  folder.write("audit.json", result.dump(1) + "\n");
  folder.write("audit.html", report::audit_page(result));
  folder.write("costs.json", auditor.costs().dump(1) + "\n");
  return result;
}

}  // namespace unlearn::run
