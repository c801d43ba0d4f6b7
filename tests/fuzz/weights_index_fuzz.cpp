// model.safetensors.index.json over two shards.
#include "fuzz.h"
#include "unlearn/checkpoint/safetensors.h"

FUZZ_TARGET(weights_index) {
  namespace checkpoint = unlearn::checkpoint;
  const auto folder = unlearn::fuzz::scratch_folder();
  static const bool has_shards = [&] {
    checkpoint::write_safetensors(folder / "a.safetensors", std::vector<checkpoint::NamedTensor>{
                                                                {"x", torch::zeros({2, 3})}});
    checkpoint::write_safetensors(folder / "b.safetensors",
                                  std::vector<checkpoint::NamedTensor>{{"y", torch::zeros({4})}});
    return true;
  }();
  if (!has_shards) return;
  unlearn::fuzz::scratch_file("model.safetensors.index.json", input);
  const checkpoint::TensorStore store(folder);
  for (const std::string& name : store.names()) store.view(name);
  store.check_unchanged();
}
