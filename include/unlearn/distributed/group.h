// The processes of one run and what they exchange: over c10d's Gloo backend, and tensors on GPUs
// over NCCL.
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
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

// Thrown on every process but the first when together() has failed: the first one tells why.
class FailedTogether : public std::exception {
 public:
  explicit FailedTogether(int code) : code_(code) {}
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

  // Elementwise over all processes, added up in their order: the same bits everywhere.
  std::vector<double> sum(const std::vector<double>& values) const;
  double sum(double value) const { return sum(std::vector<double>{value}).front(); }
  // Every process's value, by rank.
  std::vector<double> gather(double value) const;
  // The text of the first process that has one, and which that is; {"", size} when none has.
  struct Text {
    std::string text;
    int64_t rank = 0;
  };
  Text first(const std::string& own) const;
  // Until all have come here.
  void wait() const;

  // The sum of all processes' tensors (contiguous, alike) in that of `root`; what the others hold
  // is undefined afterwards. The same bits whenever it is run with as many processes.
  void reduce(torch::Tensor tensor, int64_t root) const;
  // The tensor of `root` in all.
  void broadcast(torch::Tensor tensor, int64_t root) const;
  // From one process to another; tensors on the CPU.
  void send(torch::Tensor tensor, int64_t to) const;
  void receive(torch::Tensor tensor, int64_t from) const;

  // Runs `work` on every process. When it throws a UserError or a NonFiniteError on any, the first
  // process throws the error of the first to have one, and the others FailedTogether.
  void together(const std::function<void()>& work) const;

 private:
  class Backend;
  void find_neighbours();

  int64_t rank_ = 0;
  int64_t size_ = 1;
  int64_t local_rank_ = 0;
  int64_t local_size_ = 1;
  std::unique_ptr<Backend> backend_;  // null when alone
  std::unique_ptr<Nccl> gpus_;
};

// For everything that runs without others.
const Group& alone();

}  // namespace unlearn::distributed
