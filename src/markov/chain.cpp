#include "unlearn/markov/chain.h"

#include <cmath>

namespace unlearn::markov {
namespace {

constexpr int64_t kHomeStates = 3;

bool is_home(Source source, int64_t state) {
  return state / kHomeStates == static_cast<int64_t>(source);
}

int64_t draw(const Distribution& p, Rng& rng) {
  const double u = rng.uniform();
  double below = 0;
  for (int64_t state = 0; state < kStates - 1; ++state) {
    below += p[static_cast<size_t>(state)];
    if (u < below) return state;
  }
  return kStates - 1;
}

}  // namespace

double entropy(const Distribution& p) {
  double nats = 0;
  for (const double probability : p) {
    if (probability > 0) nats -= probability * std::log(probability);
  }
  return nats;
}

Chain::Chain(Source source, double leakage) {
  for (int64_t state = 0; state < kStates; ++state) {
    initial_[static_cast<size_t>(state)] =
        is_home(source, state) ? (1.0 - leakage) / kHomeStates : leakage / (kStates - kHomeStates);
  }
  for (int64_t state = 0; state < kStates; ++state) {
    Distribution& row = rows_[static_cast<size_t>(state)];
    if (is_home(source, state)) {
      row = initial_;
    } else {
      row.fill(1.0 / kStates);
    }
  }
}

Distribution Chain::at(int64_t t) const {
  Distribution now = initial_;
  for (int64_t step = 0; step < t; ++step) {
    Distribution after{};
    for (size_t from = 0; from < now.size(); ++from) {
      for (size_t to = 0; to < now.size(); ++to) after[to] += now[from] * rows_[from][to];
    }
    now = after;
  }
  return now;
}

double Chain::mean_transition_entropy(int64_t length) const {
  double total = 0;
  for (int64_t t = 0; t + 1 < length; ++t) {
    const Distribution now = at(t);
    for (size_t state = 0; state < now.size(); ++state) total += now[state] * entropy(rows_[state]);
  }
  return total / static_cast<double>(length - 1);
}

std::vector<int64_t> Chain::sample(int64_t length, Rng& rng) const {
  std::vector<int64_t> states = {draw(initial_, rng)};
  while (static_cast<int64_t>(states.size()) < length) {
    states.push_back(draw(next(states.back()), rng));
  }
  return states;
}

}  // namespace unlearn::markov
