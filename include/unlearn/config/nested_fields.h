// The fields of a struct that stands inside another one, below a name of its own.
#pragma once

#include <string>

#include "unlearn/config/fields.h"

namespace unlearn::config {

// Shows "rho" to the outer visitor as "update.rho".
class NestedFields : public FieldVisitor {
 public:
  NestedFields(FieldVisitor& outer, const std::string& name) : outer_(outer), prefix_(name + ".") {}

  void field(const std::string& name, bool& value, const FieldSpec& spec) override;
  void field(const std::string& name, int64_t& value, const FieldSpec& spec) override;
  void field(const std::string& name, double& value, const FieldSpec& spec) override;
  void field(const std::string& name, std::string& value, const FieldSpec& spec) override;
  void field(const std::string& name, std::optional<int64_t>& value,
             const FieldSpec& spec) override;
  void field(const std::string& name, std::optional<double>& value, const FieldSpec& spec) override;
  void field(const std::string& name, std::vector<std::string>& value,
             const FieldSpec& spec) override;

 private:
  FieldVisitor& outer_;
  std::string prefix_;
};

}  // namespace unlearn::config
