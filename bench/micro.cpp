// Micro-benchmarks of the parts that a step or a data set spends its time in.
#include <benchmark/benchmark.h>
#include <torch/types.h>

#include <cstdlib>
#include <filesystem>

#include "model/attention.h"
#include "unlearn/core/background_hash.h"
#include "unlearn/core/files.h"
#include "unlearn/scoring/token_logprob.h"
#include "unlearn/tokenizer/tokenizer.h"
#include "unlearn/train/optimizer.h"

namespace unlearn {
namespace {

// Head of SmolLM2-135M: N label rows, forward and backward.
void token_logprob(benchmark::State& state) {
  const int64_t rows = state.range(0);
  const torch::Tensor hidden = torch::randn({rows, 576}).requires_grad_();
  model::Head head;
  head.weight = torch::randn({49152, 576}).mul_(0.02).requires_grad_();
  const torch::Tensor targets = torch::randint(49152, {rows}, torch::kLong);
  for (auto _ : state) {
    scoring::token_logprob(hidden, head, targets).sum().backward();
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(token_logprob)->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond);

// 16 sequences of 93 tokens, 9 query heads over 3 key heads of 64, forward and backward.
void attention(benchmark::State& state) {
  constexpr int64_t kSequences = 16, kLength = 93;
  std::vector<int64_t> offsets;
  for (int64_t i = 0; i <= kSequences; ++i) offsets.push_back(i * kLength);
  const auto heads = [&](int64_t count) {
    return torch::randn({offsets.back(), count, 64}).requires_grad_();
  };
  const torch::Tensor q = heads(9), k = heads(3), v = heads(3);
  for (auto _ : state) {
    model::attention(q, k, v, offsets, {}).sum().backward();
  }
  state.SetItemsProcessed(state.iterations() * offsets.back());
}
BENCHMARK(attention)->Unit(benchmark::kMillisecond);

void adamw(benchmark::State& state) {
  const auto dtype = state.range(0) == 16 ? torch::kBFloat16 : torch::kFloat;
  torch::Tensor weight = torch::randn({2 << 10, 2 << 10}).to(dtype);
  weight.mutable_grad() = torch::randn({2 << 10, 2 << 10}).to(dtype);
  const auto optimizer = train::optimizers().front().make();
  optimizer->start({{{"weight", weight}}, optimizer->shards()}, {.state_bits = state.range(1)},
                   [](const std::string&) { return true; });
  for (auto _ : state) optimizer->step(1e-5, 0.5);
  state.SetItemsProcessed(state.iterations() * weight.numel());
}
BENCHMARK(adamw)
    ->ArgsProduct({{32, 16}, {32, 16, 8}})
    ->ArgNames({"weight", "state"})
    ->Unit(benchmark::kMillisecond);

void tokenize(benchmark::State& state) {
  const auto tokenizer = tokenizer::load_tokenizer(UNLEARN_SOURCE_DIR "/data/tiny");
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text += "Question: where was the author number " + std::to_string(i) + " born?\nAnswer: ";
  }
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer->encode(text, false));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(tokenize)->Unit(benchmark::kMillisecond);

// A file of 1 GiB in the page cache: by one thread from end to end, or in pieces by all.
void hash_file(benchmark::State& state) {
  static const std::filesystem::path file = [] {
    const auto path = std::filesystem::temp_directory_path() / "unlearn_micro_hash";
    write_file_atomic(path, std::string(size_t{1} << 30, 'x'));
    std::atexit([] {
      std::filesystem::remove(std::filesystem::temp_directory_path() / "unlearn_micro_hash");
    });
    return path;
  }();
  for (auto _ : state) {
    benchmark::DoNotOptimize(state.range(0) == 0 ? sha256_file(file) : sha256_of_pieces(file));
  }
  state.SetBytesProcessed(state.iterations() * (int64_t{1} << 30));
}
BENCHMARK(hash_file)
    ->Arg(0)
    ->Arg(1)
    ->ArgName("pieces")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace unlearn

BENCHMARK_MAIN();
