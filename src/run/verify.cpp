#include "unlearn/run/verify.h"

#include <iostream>

#include "run/forget/verify_verdict.h"
#include "run/remove/certificate.h"
#include "unlearn/core/error.h"
#include "unlearn/run/forget.h"
#include "unlearn/run/remove.h"

namespace unlearn::run {

int verify(const VerifyRequest& request) {
  const bool has_verdict = std::filesystem::exists(request.folder / kVerdictFile);
  const bool has_certificate = std::filesystem::exists(request.folder / kCertificateFile);
  const auto refuse = [&](const std::string& flag, const char* file, const char* command) {
    user_error(flag, request.folder.string(), ": holds no ", file, "; it is no run of unlearn ",
               command);
  };
  if (!has_verdict && !has_certificate) {
    user_error(request.folder.string(), ": holds no ", kVerdictFile, " and no ", kCertificateFile,
               "; it is no run of unlearn forget or unlearn remove");
  }
  if (request.measure && !has_verdict) refuse("--measure: ", kVerdictFile, "forget");
  if (request.replay && !has_certificate) refuse("--replay: ", kCertificateFile, "remove");
  if (request.retrain && !has_certificate) refuse("--retrain: ", kCertificateFile, "remove");
  bool differs = has_verdict && verdict_differs(request);
  if (has_certificate) differs |= certificate_differs(request);
  const char* what = has_verdict ? "verdict" : "certificate";
  std::cout << (differs ? "something differs from what the " : "all is as the ") << what
            << (differs ? " was given on\n" : " was given on\n");
  return differs ? kNotReached : 0;
}

}  // namespace unlearn::run
