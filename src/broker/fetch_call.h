// One Fetch under way: gathers records partition by partition, and waits while there are fewer than the client wants.
//
//   gathering ──enough, an error, or no time to wait──▶ answered
//      │  ▲                                               ▲
//      │  └─ partitions grew by enough, or time is up ────┤ (gathers once more, and answers with what is there)
//      └──too little──▶ waiting ──────────────────────────┘
//
// Waiting costs nothing: the partitions tell when they change, and then only those that did are looked at, by their
// views' sizes. No lock is held, and nothing of the log is.
// Source    Apache Kafka's protocol guide; KIP-74 for the budgets, KIP-98 for what was committed.
#pragma once

#include <memory>
#include <vector>

#include "broker/asking.h"

namespace sluice::broker {

class FetchCall final : public Call, private loop::Deadline, private loop::Deferred {
 public:
  FetchCall(Asking& asking, kafka::FetchRequest request);
  ~FetchCall() override;

  bool begin();  // true: the response is there already
  [[nodiscard]] relay::Body response() const { return reply_.of(response_); }
  void hurry() override;

 private:
  using Wanted = kafka::FetchRequest::Partition;
  using Told = kafka::FetchResponse::Partition;

  // A partition that is waited for, and how much of it there was.
  struct Waiting final : log::Interest {
    void on_change() override;
    FetchCall* call = nullptr;
    const log::Partition* partition = nullptr;
    std::int64_t from = 0, base = 0;
    std::uint64_t size = 0, most = 0, available = 0;
    bool changed = false;
  };

  bool gather();  // false: a segment is being opened, and go_on() is called
  bool add(log::Topic* topic, const Wanted& wanted);
  bool fill(const log::PartitionView& view, const Wanted& wanted, Told& told);
  void add_aborted(const log::PartitionView& view, std::int64_t from, std::int64_t before, Told& told) const;
  log::Topic* find(const kafka::FetchRequest::Topic& wanted) const;
  [[nodiscard]] std::int64_t readable_end(const log::PartitionView& view) const noexcept;
  [[nodiscard]] bool enough() const noexcept;

  void go_on();
  void wait();
  void stop_waiting();
  void gather_again();
  void answer();
  bool count(Waiting& waiting);
  void run_deferred() override;
  void on_deadline() override;

  Broker& broker_;
  const Reply reply_;
  Answered answered_;
  const kafka::FetchRequest request_;
  kafka::FetchResponse response_;

  std::size_t topic_ = 0;    // where gathering stands
  std::uint64_t bytes_ = 0;  // gathered
  std::size_t files_ = 0;    // ... out of so many segments
  bool at_once_ = false;     // a partition has an error, or data of which more will not come
  bool last_time_ = false;   // whatever there is, it is the answer
  loop::Ticket ticket_;

  std::vector<Waiting*> changed_;
  std::unique_ptr<Waiting[]> waiting_;
  std::size_t waiting_count_ = 0;
  std::uint64_t available_ = 0;
};

}  // namespace sluice::broker
