// What the processes of a run exchange in a step: gradients before the update, weights after it.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "unlearn/distributed/group.h"
#include "unlearn/train/sharded_parameters.h"

namespace unlearn::train {

// Each process owns a part of all elements: it gets the sum of their gradients, changes them, and
// gives the new values to the others (ZeRO, stage 1). Gradients travel in buckets, the last layers'
// first, as the backward pass makes them; all processes send all buckets, with zeros where a
// process's examples reached nothing.
class GradientExchange {
 public:
  // The parameters have one part per process of the group; both must outlive this.
  GradientExchange(const ShardedParameters& parameters, const distributed::Group& group);
  ~GradientExchange();
  GradientExchange(const GradientExchange&) = delete;
  GradientExchange& operator=(const GradientExchange&) = delete;

  // All trained weights as the first process has them.
  void start() const;
  // The next backward pass is this process's last of the sum: each bucket is sent as soon as the
  // gradients of it and of those before it are there. A process that has no such pass leaves it
  // out.
  void begin_sum();
  // Afterwards the own part of the gradients is that of all processes together, and the rest is
  // undefined.
  void sum_gradients();
  // Sends what the backward pass has left unsent, for which the other processes wait before they
  // exchange anything else.
  void send_rest();
  // The rest becomes 0: gradients can be added and summed again.
  void clear_others() const;
  // Afterwards all processes have all of them anew.
  void share_weights() const;

  // What happened in the last sum, in order: parameter or bucket.
  struct Event {
    enum Kind { kGradient, kSent, kSummed } kind;
    size_t index;
    bool operator==(const Event&) const = default;
  };
  const std::vector<Event>& events() const { return events_; }

 private:
  class Hook;
  // Neighbouring shards of one part, small enough together to be exchanged at once.
  using Bucket = std::vector<Shard>;
  struct Sending {
    size_t bucket;
    torch::Tensor tensor;
    std::vector<torch::Tensor> parts;
    std::function<void()> wait;
  };

  void forget_last_sum();
  void take(size_t parameter);
  void send(size_t bucket);
  void finish_oldest();
  void remove_hooks();

  const ShardedParameters& parameters_;
  const distributed::Group& group_;
  std::vector<Bucket> buckets_;
  std::vector<std::vector<size_t>> buckets_of_;  // by parameter
  std::vector<bool> taken_;                      // by parameter: its gradient has come
  std::vector<size_t> missing_;                  // by bucket: gradients that are still to come
  size_t unsent_ = 0;                            // buckets, from the first on
  std::vector<double> reached_;                  // by parameter
  std::deque<Sending> sending_;
  std::vector<Event> events_;
  bool is_summed_ = true;  // nothing of the next sum has happened yet
  bool has_hooks_ = false;
};

}  // namespace unlearn::train
