// One client's HTTP/2 connection: a session of frames, and a client for each of its streams.
//
//   kSettings ──acked──▶ kStreams ◀──▶ kIdle ──timeout, SIGTERM──▶ kGoaway ──heard──▶ kClosing ──▶ kLinger ──▶ (ends)
//
// What it waits for is told by its session after each turn (on_session), and has one deadline. Streams have their own,
// as exchanges of HTTP/1 do.
// Memory    an idle one is nghttp2's session, some 30 KiB with its frame buffer and header tables.
// Thread    the worker's.
#pragma once

#include <memory>
#include <string_view>

#include "http2/session.h"
#include "serve/client.h"
#include "serve/session.h"
#include "serve/worker_state.h"

namespace sluice::serve {

class Http2Client;

class Http2Connection final : public Session,
                              private http2::SessionHandler,
                              private relay::ChannelHandler,
                              private loop::Deadline {
 public:
  // Takes a connected channel; the connection owns itself from here on (see Session). Call start() as the last thing,
  // with what was read already: the client's preface, as far as it is, and what came along.
  static Http2Connection* begin(WorkerState& state, std::unique_ptr<relay::Channel> channel,
                                const os::Address& peer, const Secured& secured);
  void start(std::string_view already_read) { session_->begin(already_read); }
  ~Http2Connection() override;

  void begin_drain() override;
  void cut() override;

  [[nodiscard]] const os::Address& peer() const noexcept { return peer_; }
  [[nodiscard]] const Secured& secured() const noexcept { return secured_; }

 private:
  // What it waits for.
  enum class Wait : std::uint8_t {
    kSettings,  // the client's answer to ours
    kHead,      // the end of a header block
    kStreams,   // they have deadlines of their own
    kIdle,
    kGoaway,   // the first is on its way
    kClosing,  // the last one is, and streams may still run
    kLinger,   // all is said: the client's FIN
  };

  Http2Connection(WorkerState& state, std::unique_ptr<relay::Channel> channel, const os::Address& peer,
                  const Secured& secured);
  http2::Stream* new_stream() override;
  void on_session(http2::Session&) override;
  void on_channel(relay::Channel&) override;  // lingering
  void on_deadline() override;
  [[nodiscard]] Wait waits_for() const noexcept;
  void cut_streams(observe::Ending why);
  void linger();
  void end(relay::Close how);

  WorkerState& state_;
  const std::unique_ptr<relay::Channel> channel_;
  const os::Address peer_;
  const Secured secured_;
  Wait wait_ = Wait::kStreams;
  List<ListLink> clients_;  // Http2Client::Link
  std::unique_ptr<http2::Session> session_;
};

}  // namespace sluice::serve
