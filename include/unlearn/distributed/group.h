// The processes of one run and what they exchange: over c10d's Gloo backend, and tensors on GPUs
// over NCCL.
#pragma once

#include <c10/core/Stream.h>
#include <torch/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "unlearn/distributed/launch.h"

namespace c10d {
class Store;
}

namespace unlearn::distributed {

class Nccl;

// Another process is gone, or the network is. Exit code 1.
class ConnectionLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown on every process but the first when all_or_none() has failed: the first one reports why.
class FailedElsewhere : public std::exception {
 public:
  explicit FailedElsewhere(int code) : code_(code) {}
  int code() const { return code_; }

 private:
  int code_;
};

// All processes must make the same calls in the same order. A group of one exchanges nothing.
class Group {
 public:
  Group();  // this process alone
  // Waits for the others. UserError when they do not come.
  explicit Group(const Launch& launch);
  // Processes that share a store (threads, in tests).
  Group(const c10::intrusive_ptr<c10d::Store>& store, int64_t rank, int64_t size);
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  // Each process on the GPU that it uses; needed before tensors on GPUs are exchanged. UserError
  // where there is no NCCL.
  void connect_gpus();

  int64_t rank() const { return rank_; }
  int64_t size() const { return size_; }
  // Among the processes on this machine.
  int64_t local_rank() const { return local_rank_; }
  int64_t local_size() const { return local_size_; }
  // The one that writes files and reports.
  bool leads() const { return rank_ == 0; }

  // The elementwise sum over all processes, added up in their order: the same bits everywhere.
  std::vector<double> all_reduce(const std::vector<double>& values) const;
  double all_reduce(double value) const { return all_reduce(std::vector<double>{value}).front(); }
  // Every process's value, by rank.
  std::vector<double> all_gather(double value) const;
  // The bytes of `root` on every process; what the others hand in is not read.
  std::string broadcast_bytes(const std::string& bytes, int64_t root = 0) const;
  // The text of the lowest rank that has one, and that rank; {"", size} when none has.
  struct Text {
    std::string text;
    int64_t rank = 0;
  };
  Text first_text(const std::string& own) const;
  // Until all have come here.
  void barrier() const;

  // The sum of all processes' tensors (contiguous, alike) in that of `root`; what the others hold
  // is undefined afterwards. The same bits whenever it is run with as many processes.
  void reduce(torch::Tensor tensor, int64_t root) const;
  // The same, begun: it goes on beside whatever follows, and the returned function waits for its
  // end. Until then `tensor` belongs to it. On a GPU it runs on a stream of its own, after what is
  // queued when it is begun, and what is queued after the wait comes after it.
  [[nodiscard]] std::function<void()> begin_reduce(torch::Tensor tensor, int64_t root) const;
  // The tensor of `root` in all.
  void broadcast(torch::Tensor tensor, int64_t root) const;
  // From one process to another; tensors on the CPU.
  void send(torch::Tensor tensor, int64_t to) const;
  void receive(torch::Tensor tensor, int64_t from) const;

  // Runs `work` on every process. When it throws a UserError or a NonFiniteError on any, the first
  // process throws the error of the lowest rank that has one, and the others FailedElsewhere.
  void all_or_none(const std::function<void()>& work) const;
  // Runs `work` on the first process, and then on the others, which find what it has left on disk.
  void leader_first(const std::function<void()>& work) const;

 private:
  class Backend;
  void find_neighbours();

  int64_t rank_ = 0;
  int64_t size_ = 1;
  int64_t local_rank_ = 0;
  int64_t local_size_ = 1;
  std::unique_ptr<Backend> backend_;  // null when alone
  std::unique_ptr<Nccl> gpus_;
  mutable std::optional<c10::Stream> beside_;  // for what is begun on a GPU
};

// For everything that runs without others.
const Group& alone();

}  // namespace unlearn::distributed
