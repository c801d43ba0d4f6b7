// What the processes of a run exchange in a step: gradients before the update, weights after it.
#pragma once

#include <vector>

#include "unlearn/distributed/group.h"
#include "unlearn/train/sharded_parameters.h"

namespace unlearn::train {

// Each process owns a part of all elements: it gets the sum of their gradients, changes them, and
// gives the new values to the others (ZeRO, stage 1).
class GradientExchange {
 public:
  // The parameters have one part per process of the group; both must outlive this.
  GradientExchange(const ShardedParameters& parameters, const distributed::Group& group);

  // All trained weights as the first process has them.
  void start() const;
  // Afterwards the own part of the gradients is that of all processes together, and the rest is
  // undefined.
  void sum_gradients() const;
  // The rest becomes 0: gradients can be added and summed again.
  void clear_others() const;
  // Afterwards all processes have all of them anew.
  void share_weights() const;

 private:
  // Neighbouring shards of one part, small enough together to be exchanged at once.
  using Bucket = std::vector<Shard>;

  const ShardedParameters& parameters_;
  const distributed::Group& group_;
  std::vector<Bucket> buckets_;
};

}  // namespace unlearn::train
