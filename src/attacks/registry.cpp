#include "unlearn/attacks/attack.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::attacks {

#define ATTACK(name) RegisteredAttack attack_##name();
#include "attacks/attacks.def"
#undef ATTACK

const std::vector<RegisteredAttack>& registered_attacks() {
  static const std::vector<RegisteredAttack> attacks = {
#define ATTACK(name) attack_##name(),
#include "attacks/attacks.def"
#undef ATTACK
  };
  return attacks;
}

std::vector<std::string> attack_names() {
  std::vector<std::string> names;
  for (const RegisteredAttack& attack : registered_attacks()) names.push_back(attack.name);
  return names;
}

const RegisteredAttack& find_attack(const std::string& name, const std::string& where) {
  for (const RegisteredAttack& attack : registered_attacks()) {
    if (attack.name == name) return attack;
  }
  const std::vector<std::string> known = attack_names();
  user_error(where, ": '", name, "' is no attack", did_you_mean(name, known), "; there are ",
             join(known, ", "));
}

}  // namespace unlearn::attacks
