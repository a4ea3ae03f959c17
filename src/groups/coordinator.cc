#include "groups/coordinator.h"

#include <mutex>
#include <thread>
#include <utility>

#include "groups/refusal.h"
#include "groups/registry.h"
#include "groups/store.h"
#include "os/process.h"

namespace sluice::groups {

namespace {

template <typename Response>
void send(Reply<Response> reply, Response response) {
  if (reply.owner.expired()) return;
  loop::EventLoop* const loop = reply.loop;
  loop->post([reply = std::move(reply), response = std::move(response)]() mutable {
    // Locked on its own thread: the last to let go of the owner must not be ours.
    if (const auto owner = reply.owner.lock()) reply.call(std::move(response));
  });
}

template <typename Response>
std::function<void(Response)> sender(const Reply<Response>& reply) {
  return [reply](Response response) { send(reply, std::move(response)); };
}

template <typename Response>
Asker<Response> asker(const Reply<Response>& reply) {
  return {.answer = sender(reply), .gone = [owner = reply.owner] { return owner.expired(); }};
}

}  // namespace

struct Coordinator::Impl {
  Impl(const std::string& file, const Limits& limits_)
      : limits(limits_), store(file), registry(store, loop, limits, sums), thread([this] {
          os::block_signals_in_this_thread();
          loop.run();
        }) {}
  ~Impl() { stop(); }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      if (!std::exchange(stopping, true))
        loop.post([this] {  // the last one: whoever comes later is refused at once
          registry.close();
          loop.stop();
        });
    }
    if (thread.joinable()) thread.join();
  }

  // Runs `work` on the thread, or refuses.
  template <typename Request, typename Response, typename Work>
  void submit(Request request, int version, Reply<Response> reply, Work work) {
    const std::lock_guard lock(mutex);
    if (stopping)
      return send(std::move(reply), refusal(request, version, kafka::ErrorCode::kCoordinatorNotAvailable));
    loop.post([request = std::move(request), reply = std::move(reply), work = std::move(work)]() mutable {
      work(std::move(request), reply);
    });
  }

  const Limits limits;
  Sums sums;
  Store store;
  loop::EventLoop loop;
  Registry registry;
  std::mutex mutex;
  bool stopping = false;  // guarded by mutex
  std::thread thread;     // the last member: it uses the others
};

Coordinator::Coordinator(const std::string& file, const Limits& limits)
    : impl_(std::make_unique<Impl>(file, limits)) {}
Coordinator::~Coordinator() = default;
void Coordinator::stop() { impl_->stop(); }

void Coordinator::join(kafka::JoinGroupRequest request, int version, Caller caller,
                       Reply<kafka::JoinGroupResponse> reply) {
  impl_->submit(std::move(request), version, std::move(reply),
                [this, version, caller = std::move(caller)](auto&& asked, const auto& to) mutable {
                  impl_->registry.join(std::move(asked), version, std::move(caller), asker(to));
                });
}

void Coordinator::sync(kafka::SyncGroupRequest request, Reply<kafka::SyncGroupResponse> reply) {
  impl_->submit(std::move(request), 0, std::move(reply), [this](auto&& asked, const auto& to) {
    impl_->registry.sync(std::move(asked), 0, asker(to));
  });
}

void Coordinator::heartbeat(kafka::HeartbeatRequest request, Reply<kafka::HeartbeatResponse> reply) {
  impl_->submit(std::move(request), 0, std::move(reply),
                [this](auto&& asked, const auto& to) { impl_->registry.heartbeat(asked, sender(to)); });
}

void Coordinator::leave(kafka::LeaveGroupRequest request, int version,
                        Reply<kafka::LeaveGroupResponse> reply) {
  impl_->submit(std::move(request), version, std::move(reply), [this, version](auto&& asked, const auto& to) {
    impl_->registry.leave(asked, version, sender(to));
  });
}

void Coordinator::commit(kafka::OffsetCommitRequest request, Reply<kafka::OffsetCommitResponse> reply) {
  impl_->submit(std::move(request), 0, std::move(reply),
                [this](auto&& asked, const auto& to) { impl_->registry.commit(asked, sender(to)); });
}

void Coordinator::fetch(kafka::OffsetFetchRequest request, int version,
                        Reply<kafka::OffsetFetchResponse> reply) {
  impl_->submit(std::move(request), version, std::move(reply), [this, version](auto&& asked, const auto& to) {
    impl_->registry.fetch(asked, version, sender(to));
  });
}

void Coordinator::describe(kafka::DescribeGroupsRequest request, Reply<kafka::DescribeGroupsResponse> reply) {
  impl_->submit(std::move(request), 0, std::move(reply),
                [this](auto&& asked, const auto& to) { impl_->registry.describe(asked, sender(to)); });
}

void Coordinator::list(kafka::ListGroupsRequest request, Reply<kafka::ListGroupsResponse> reply) {
  impl_->submit(std::move(request), 0, std::move(reply),
                [this](auto&& asked, const auto& to) { impl_->registry.list(asked, sender(to)); });
}

void Coordinator::remove(kafka::DeleteGroupsRequest request, Reply<kafka::DeleteGroupsResponse> reply) {
  impl_->submit(std::move(request), 0, std::move(reply),
                [this](auto&& asked, const auto& to) { impl_->registry.remove(asked, sender(to)); });
}

std::uint64_t Coordinator::group_count() const noexcept { return impl_->sums.groups; }
std::uint64_t Coordinator::member_count() const noexcept { return impl_->sums.members; }
std::uint64_t Coordinator::rebalances() const noexcept { return impl_->sums.rebalances; }

}  // namespace sluice::groups
