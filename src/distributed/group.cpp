#include "unlearn/distributed/group.h"

#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO  // the wheel's Gloo backend is built in; its header asks
#endif
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Flags.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "distributed/nccl.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"

C10_DECLARE_int(caffe2_log_level);

namespace unlearn::distributed {
namespace {

// The first process may evaluate or save for hours while the others wait in an exchange; a process
// that ends closes its connections, which is noticed at once.
constexpr std::chrono::hours kPatience{24 * 7};
constexpr std::chrono::minutes kMeeting{3};

using Gloo = c10d::ProcessGroupGloo;

void check_host(const std::string& host) {
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), nullptr, nullptr, &found);
  if (failure != 0) user_error("MASTER_ADDR: no machine '", host, "': ", gai_strerror(failure));
  freeaddrinfo(found);
}

// This machine's address on the way to another; "" where it is not known. A machine's own name
// often stands for its loopback device, which others cannot reach.
std::string address_towards(const std::string& host, int64_t port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return "";
  std::string result;
  const int descriptor = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_storage own = {};
  socklen_t length = sizeof(own);
  auto* address = reinterpret_cast<sockaddr*>(&own);
  char text[NI_MAXHOST] = {};
  // Nothing is sent: connecting a datagram socket only chooses the route.
  if (descriptor >= 0 && connect(descriptor, found->ai_addr, found->ai_addrlen) == 0 &&
      getsockname(descriptor, address, &length) == 0 &&
      getnameinfo(address, length, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) == 0) {
    result = text;
  }
  if (descriptor >= 0) close(descriptor);
  freeaddrinfo(found);
  return result.starts_with("127.") || result == "::1" ? "" : result;
}

std::shared_ptr<gloo::transport::Device> own_device(const Launch& launch) {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && *interface != '\0') return Gloo::createDeviceForInterface(interface);
  if (is_loopback(launch.address)) return Gloo::createDeviceForHostname("127.0.0.1");
  const std::string own = address_towards(launch.address, launch.port);
  return own.empty() ? Gloo::createDefaultDevice() : Gloo::createDeviceForHostname(own);
}

// A number for this machine, or the container on it: equal on its processes, and on no others but
// by a chance of 2^-52.
double own_machine() {
  char name[HOST_NAME_MAX + 1] = {};
  gethostname(name, sizeof(name) - 1);
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  constexpr size_t kDigits = 13;  // hexadecimal, of the 53 bits that a double holds
  return static_cast<double>(std::stoull(sha256(boot + name).substr(0, kDigits), nullptr, 16));
}

// c10d warns of names that cannot be looked up, and notes the last 2,000 exchanges of a process for
// its debugger, without a lock between groups. What goes wrong is thrown, and reported by us.
void keep_c10d_quiet() {
  static const bool done = [] {  // once: groups of one process may begin at the same time
    constexpr int kFatal = 3;
    if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = kFatal;
    return setenv("TORCH_FR_BUFFER_SIZE", "0", /*overwrite=*/0) == 0;
  }();
  UNLEARN_CHECK(done, "no memory");
}

NcclType nccl_type(const torch::Tensor& tensor) {
  if (tensor.scalar_type() == torch::kFloat) return NcclType::kFloat32;
  if (tensor.scalar_type() == torch::kDouble) return NcclType::kFloat64;
  UNLEARN_CHECK(tensor.scalar_type() == torch::kBFloat16, tensor.scalar_type());
  return NcclType::kBfloat16;
}

void* stream_of(const torch::Tensor& tensor) {
  const c10::impl::VirtualGuardImpl device(tensor.device().type());
  return device.getStream(tensor.device()).native_handle();
}

}  // namespace

class Group::Backend {
 public:
  Backend(c10::intrusive_ptr<c10d::Store> store, const Launch& launch) : store_(std::move(store)) {
    auto options = Gloo::Options::create(kMeeting);
    options->devices.push_back(own_device(launch));
    gloo_ = c10::make_intrusive<Gloo>(store_, static_cast<int>(launch.rank),
                                      static_cast<int>(launch.size), options);
    gloo_->setTimeout(kPatience);
  }

  // Starts an exchange and waits for its end.
  template <class Start>
  void run(const Start& start) {
    begin(start)();
  }

  // Starts an exchange; the result waits for its end.
  template <class Start>
  std::function<void()> begin(const Start& start) {
    c10::intrusive_ptr<c10d::Work> work;
    guarded([&] { work = start(*gloo_); });
    return [work] { guarded([&] { work->wait(); }); };
  }

 private:
  template <class Call>
  static void guarded(const Call& call) {
    try {
      call();
    } catch (const std::exception& error) {
      log::debug(error.what());
      throw ConnectionLost(
          "the connection to another process of the run is lost: it has ended, or the network has");
    }
  }

  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<Gloo> gloo_;
};

Group::Group() = default;
Group::~Group() = default;

Group::Group(const Launch& launch) : rank_(launch.rank), size_(launch.size) {
  if (size_ == 1) return;
  keep_c10d_quiet();
  check_host(launch.address);
  try {
    c10d::TCPStoreOptions store;
    store.port = static_cast<uint16_t>(launch.port);
    store.isServer = rank_ == 0 && !launch.is_hosted;
    store.timeout = kMeeting;
    if (!launch.is_hosted) store.numWorkers = static_cast<size_t>(size_);
    c10::intrusive_ptr<c10d::Store> meeting =
        c10::make_intrusive<c10d::TCPStore>(launch.address, store);
    // What the processes of an attempt that failed have left there is not meant for these.
    meeting = c10::make_intrusive<c10d::PrefixStore>("unlearn/" + launch.attempt, meeting);
    backend_ = std::make_unique<Backend>(std::move(meeting), launch);
  } catch (const std::exception& error) {
    const std::string what = error.what();
    user_error("process ", rank_, " of ", size_, ": the others cannot be met at ", launch.address,
               ":", launch.port,
               " (MASTER_ADDR, MASTER_PORT; without WORLD_SIZE a run is one process): ",
               what.substr(0, what.find('\n')));
  }
  find_neighbours();
  if (launch.local_rank) local_rank_ = *launch.local_rank;
}

Group::Group(const c10::intrusive_ptr<c10d::Store>& store, int64_t rank, int64_t size)
    : rank_(rank), size_(size) {
  if (size_ == 1) return;
  keep_c10d_quiet();
  const Launch launch{
      .rank = rank, .size = size, .local_rank = {}, .address = "127.0.0.1", .attempt = {}};
  backend_ = std::make_unique<Backend>(store, launch);
  find_neighbours();
}

void Group::find_neighbours() {
  const std::vector<double> machines = all_gather(own_machine());
  const auto own = machines.begin() + rank_;
  local_rank_ = std::count(machines.begin(), own, *own);
  local_size_ = std::count(machines.begin(), machines.end(), *own);
}

std::vector<double> Group::all_reduce(const std::vector<double>& values) const {
  if (size_ == 1) return values;
  const torch::Tensor own = torch::tensor(values, torch::kDouble);
  std::vector<torch::Tensor> inputs = {own};
  std::vector<std::vector<torch::Tensor>> all(1);
  for (int64_t r = 0; r < size_; ++r) all[0].push_back(torch::empty_like(own));
  backend_->run([&](Gloo& gloo) { return gloo.allgather(all, inputs); });
  std::vector<double> total(values.size(), 0.0);
  for (const torch::Tensor& part : all[0]) {
    for (size_t i = 0; i < total.size(); ++i) total[i] += part.const_data_ptr<double>()[i];
  }
  return total;
}

std::vector<double> Group::all_gather(double value) const {
  std::vector<double> values(static_cast<size_t>(size_), 0.0);
  values[static_cast<size_t>(rank_)] = value;
  return all_reduce(values);
}

std::string Group::broadcast_bytes(const std::string& bytes, int64_t root) const {
  if (size_ == 1) return bytes;
  const torch::Tensor length = torch::tensor({static_cast<int64_t>(bytes.size())}, torch::kLong);
  broadcast(length, root);
  std::string result(static_cast<size_t>(length.item<int64_t>()), '\0');
  if (result.empty()) return result;  // Gloo takes no empty tensors
  if (rank_ == root) result = bytes;
  broadcast(torch::from_blob(result.data(), {static_cast<int64_t>(result.size())}, torch::kUInt8),
            root);
  return result;
}

Group::Text Group::first_text(const std::string& own) const {
  if (size_ == 1) return {own, own.empty() ? 1 : 0};
  const std::vector<double> lengths = all_gather(static_cast<double>(own.size()));
  for (int64_t r = 0; r < size_; ++r) {
    if (lengths[static_cast<size_t>(r)] > 0) return {broadcast_bytes(own, r), r};
  }
  return {"", size_};
}

void Group::barrier() const { all_reduce(0.0); }

void Group::connect_gpus() {
  if (size_ == 1) return;
  NcclLibrary library;
  all_or_none([&] { library = find_nccl(); });
  const std::string id = broadcast_bytes(leads() ? Nccl::make_id(library) : "");
  gpus_ = std::make_unique<Nccl>(library, id, rank_, size_);
}

void Group::reduce(torch::Tensor tensor, int64_t root) const {
  begin_reduce(std::move(tensor), root)();
}

std::function<void()> Group::begin_reduce(torch::Tensor tensor, int64_t root) const {
  if (size_ == 1) return [] {};
  if (!tensor.is_cuda()) {
    std::vector<torch::Tensor> tensors = {std::move(tensor)};
    c10d::ReduceOptions how;
    how.rootRank = root;
    return backend_->begin([&](Gloo& gloo) { return gloo.reduce(tensors, how); });
  }
  const torch::Device device = tensor.device();
  const c10::impl::VirtualGuardImpl guard(device.type());
  if (!beside_) beside_ = guard.getNewStream(device);
  c10::Event made(device.type());
  made.record(guard.getStream(device));
  made.block(*beside_);
  gpus_->reduce(tensor.data_ptr(), tensor.numel(), nccl_type(tensor), root,
                beside_->native_handle());
  auto summed = std::make_shared<c10::Event>(device.type());
  summed->record(*beside_);
  // The tensor lives until its end is known.
  return [summed, tensor] {
    summed->block(c10::impl::VirtualGuardImpl(tensor.device().type()).getStream(tensor.device()));
  };
}

void Group::broadcast(torch::Tensor tensor, int64_t root) const {
  if (size_ == 1) return;
  if (tensor.is_cuda()) {
    gpus_->broadcast(tensor.data_ptr(), tensor.numel(), nccl_type(tensor), root, stream_of(tensor));
    return;
  }
  std::vector<torch::Tensor> tensors = {std::move(tensor)};
  c10d::BroadcastOptions how;
  how.rootRank = root;
  backend_->run([&](Gloo& gloo) { return gloo.broadcast(tensors, how); });
}

void Group::send(torch::Tensor tensor, int64_t to) const {
  std::vector<torch::Tensor> tensors = {std::move(tensor)};
  backend_->run([&](Gloo& gloo) { return gloo.send(tensors, static_cast<int>(to), 0); });
}

void Group::receive(torch::Tensor tensor, int64_t from) const {
  std::vector<torch::Tensor> tensors = {std::move(tensor)};
  backend_->run([&](Gloo& gloo) { return gloo.recv(tensors, static_cast<int>(from), 0); });
}

void Group::all_or_none(const std::function<void()>& work) const {
  if (size_ == 1) return work();
  // The kind of the error is the first letter of what is exchanged.
  std::string own;
  try {
    work();
  } catch (const UserError& error) {
    own = cat("u", error.what());
  } catch (const NonFiniteError& error) {
    own = cat("n", error.what());
  }
  const auto [text, rank] = first_text(own);
  if (text.empty()) return;
  const bool is_user = text.front() == 'u';
  constexpr int kUserCode = 2, kNonFiniteCode = 3;
  if (!leads()) throw FailedElsewhere(is_user ? kUserCode : kNonFiniteCode);
  const std::string message = (rank == 0 ? "" : cat("process ", rank, ": ")) + text.substr(1);
  if (is_user) throw UserError(message);
  throw NonFiniteError(message);
}

void Group::leader_first(const std::function<void()>& work) const {
  if (!leads()) barrier();
  work();
  if (leads()) barrier();
}

const Group& alone() {
  static const Group group;
  return group;
}

}  // namespace unlearn::distributed
