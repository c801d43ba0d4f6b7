// tokenizer.json alone in a folder: read, and used on a text that has a bit of everything.
#include "fuzz.h"
#include "unlearn/tokenizer/tokenizer.h"

FUZZ_TARGET(tokenizer_json) {
  unlearn::fuzz::scratch_file("tokenizer.json", input);
  const auto tokenizer = unlearn::tokenizer::load_tokenizer(unlearn::fuzz::scratch_folder());
  const std::string text =
      "  It's 12345 caf\xc3\xa9s, <s>\xe4\xbd\xa0\xe5\xa5\xbd\n\n\t\xf0\x9f\x99\x82 aab";
  for (const bool special : {false, true}) {
    const auto ids = tokenizer->encode(text, special);
    tokenizer->decode(ids, special);
  }
  const auto last = static_cast<int32_t>(tokenizer->vocab_size() - 1);
  const std::vector<int32_t> ends = {0, last};
  tokenizer->decode(ends, false);
  tokenizer->token_to_id("a");
}
