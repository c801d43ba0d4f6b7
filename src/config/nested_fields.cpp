#include "unlearn/config/nested_fields.h"

namespace unlearn::config {

void NestedFields::field(const std::string& name, bool& value, const FieldSpec& spec) {
  outer_.field(prefix_ + name, value, spec);
}
void NestedFields::field(const std::string& name, int64_t& value, const FieldSpec& spec) {
  outer_.field(prefix_ + name, value, spec);
}
void NestedFields::field(const std::string& name, double& value, const FieldSpec& spec) {
  outer_.field(prefix_ + name, value, spec);
}
void NestedFields::field(const std::string& name, std::string& value, const FieldSpec& spec) {
  outer_.field(prefix_ + name, value, spec);
}
void NestedFields::field(const std::string& name, std::optional<int64_t>& value,
                         const FieldSpec& spec) {
  outer_.field(prefix_ + name, value, spec);
}
void NestedFields::field(const std::string& name, std::optional<double>& value,
                         const FieldSpec& spec) {
  outer_.field(prefix_ + name, value, spec);
}
void NestedFields::field(const std::string& name, std::vector<std::string>& value,
                         const FieldSpec& spec) {
  outer_.field(prefix_ + name, value, spec);
}

}  // namespace unlearn::config
