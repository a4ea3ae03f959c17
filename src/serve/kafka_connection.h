// A Kafka client's connection: a request is read, answered, and only then the next one is looked at.
//
//   ┌──────────┐ whole request ┌───────────┐ answer ┌─────────┐
//   │ kReading │ ────────────▶ │ kWorking  │ ─────▶ │ kSending│
//   └──────────┘               └───────────┘        └─────────┘
//        ▲                (a fetch may wait here)        │ delivered
//        └───────────────────────────────────────────────┘
//
// That is a broker's order, and it is the back-pressure: while one request is worked on nothing more is read. The answer is
// a body of pieces, of which the relay sends those that are ranges of segments without looking at them.
// Memory    idle: this object. A request that did not come in one piece: its bytes, at most kafka.frame.
// Errors    a request that can't be read, or is larger than kafka.frame: told in the error log, and closed. So is a
//           connection whose segment shrank while it was sent: the client sees a cut response.
// Source    Apache Kafka's protocol guide, "Network"; KIP-511 for the one exception, ApiVersions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/broker.h"
#include "config/config.h"
#include "os/address.h"
#include "relay/body_transfer.h"
#include "relay/channel.h"
#include "serve/client.h"
#include "serve/session.h"
#include "serve/site.h"
#include "serve/worker_state.h"

namespace sluice::serve {

class KafkaConnection final : public Session,
                              private relay::ChannelHandler,
                              private loop::Deadline,
                              private loop::Deferred {
 public:
  static void accept(WorkerState& state, const config::Listener& listener, os::UniqueFd fd,
                     const os::Address& peer);
  // On a channel that is established already: TLS ends here. `listener` is of `site`. Call start() as the last thing.
  static KafkaConnection* begin(WorkerState& state, const std::shared_ptr<const Site>& site,
                                const config::Listener& listener, std::unique_ptr<relay::Channel> client,
                                const os::Address& peer, const os::Address& local, const Secured& secured);
  void start() { drive(); }
  ~KafkaConnection() override;

  void begin_drain() override;
  void cut() override;

 private:
  enum class Stage : std::uint8_t { kReading, kWorking, kSending };

  KafkaConnection(WorkerState& state, const std::shared_ptr<const Site>& site,
                  const config::Listener& listener, std::unique_ptr<relay::Channel> client,
                  const os::Address& peer, const os::Address& local, const Secured& secured);
  void on_channel(relay::Channel& channel) override;
  void on_deadline() override;
  void run_deferred() override { drive(); }

  void drive();
  // Each false: nothing more can be done now, or the connection is gone.
  bool read();
  bool send();
  bool take_request(std::string_view frame);
  bool refuse(observe::Ending ending, std::string_view why);
  void answer(relay::Body body);
  void wait_for_request();
  void log(observe::Ending ending);
  void end(observe::Ending ending, relay::Close how);

  WorkerState& state_;
  const std::shared_ptr<const Site> site_;
  const config::Listener& listener_;
  const os::Address peer_;
  const Secured secured_;
  relay::Policy policy_;
  broker::Broker broker_;
  const std::unique_ptr<relay::Channel> client_;

  Stage stage_ = Stage::kReading;
  std::string held_;                             // bytes read, of which ...
  std::size_t used_ = 0;                         // ... so many were used
  std::unique_ptr<broker::Call> call_;           // kWorking
  std::optional<relay::BodyTransfer> transfer_;  // kSending
  broker::Asked asked_;
  os::Time began_{};  // of the request
  os::WallTime wall_{};
  std::uint64_t request_bytes_ = 0;
};

}  // namespace sluice::serve
