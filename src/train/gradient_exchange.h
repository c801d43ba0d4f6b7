// What the processes of a run exchange in a step: gradients before the update, weights after it.
#pragma once

#include <vector>

#include "unlearn/distributed/group.h"
#include "unlearn/train/optimizer.h"

namespace unlearn::train {

// Each process holds the optimizer's state of one part of all elements: it gets the sum of their
// gradients, updates them, and gives the new values to the others (ZeRO, stage 1).
class GradientExchange {
 public:
  // The optimizer has one part per process of the group; both must outlive this.
  GradientExchange(AdamW& optimizer, const distributed::Group& group);

  // All trained weights as the first process has them.
  void start() const;
  // Afterwards the optimizer's own part of the gradients is the whole step's.
  void sum_gradients() const;
  // Afterwards all processes have all of them anew.
  void share_weights() const;

 private:
  // Neighbouring pieces of one part, small enough together to travel at once.
  using Parcel = std::vector<Piece>;

  AdamW& optimizer_;
  const distributed::Group& group_;
  std::vector<Parcel> parcels_;
};

}  // namespace unlearn::train
