// tokenizer.model (a SentencePiece model) alone in a folder.
#include "fuzz.h"
#include "unlearn/tokenizer/tokenizer.h"

FUZZ_TARGET(tokenizer_model) {
  unlearn::fuzz::scratch_file("tokenizer.model", input);
  const auto tokenizer = unlearn::tokenizer::load_tokenizer(unlearn::fuzz::scratch_folder());
  const auto ids = tokenizer->encode(" It's 12 caf\xc3\xa9s <s>\xe4\xbd\xa0\n", true);
  tokenizer->decode(ids, true);
}
