// One TLS connection as an end of a relay, as a server or as a client: the handshake, then records both ways.
//
//   kHandshaking ──done──▶ kReady
//        │ ├─ the client spoke HTTP ──▶ kPlainHttp   carries plain bytes from here on, for an answer that says so
//        │ └─ failed ──▶ kFailed                    failure() says why
//
// Sending    OpenSSL makes records out of what is given (see RecordSize); they gather in one block of the relay's and
//            leave with few sends (see Wire). A full socket leaves at most that block waiting. Or the kernel makes the
//            records (see kernel_tls.h): then this is a socket to the relay.
// Receiving  recv() takes as many records as its room holds. The end is the peer's close_notify; a bare FIN, which
//            anybody on the path can forge, is ECONNRESET.
// Memory     an idle connection holds OpenSSL's state, but no record buffer and no block.
// Refused    renegotiation; more than kKeyUpdates changes of the peer's key within a second.
// Thread     the loop's. The handler hears once when the handshake is over, then of every change.
// Errors     EPROTO: the peer broke TLS; the others as for sockets.
// Source     RFC 8446, RFC 5246; SSL_read_ex(3), SSL_write_ex(3), SSL_get_error(3).
#pragma once

#include <string>
#include <string_view>

#include "loop/socket.h"
#include "observe/counters.h"
#include "relay/channel.h"
#include "relay/resources.h"
#include "tls/openssl.h"
#include "tls/record_size.h"
#include "tls/wire.h"

namespace sluice::tls {

class TlsChannel final : public relay::Channel, private loop::SocketHandler, private loop::Deferred {
 public:
  enum class State : std::uint8_t { kHandshaking, kReady, kPlainHttp, kFailed };
  static constexpr unsigned kKeyUpdates = 100;

  // `ssl` knows its role (SSL_set_accept_state or SSL_set_connect_state). `kernel`: try kernel TLS.
  TlsChannel(relay::Resources& resources, observe::Counters& counters, SslPtr ssl, bool kernel);
  ~TlsChannel() override;

  // Takes the descriptor whatever comes of it; a client's may still be connecting. The handshake runs by itself.
  // false: no memory.
  [[nodiscard]] bool attach(os::UniqueFd fd) noexcept;

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }
  // kReady: what ALPN agreed on; empty: nothing.
  [[nodiscard]] std::string_view protocol() const noexcept;
  // Which sides are in the kernel.
  [[nodiscard]] bool kernel_sends() const noexcept { return kernel_sends_; }
  [[nodiscard]] bool kernel_receives() const noexcept { return kernel_receives_; }

  [[nodiscard]] bool open() const noexcept override { return socket_.open(); }
  [[nodiscard]] int connect_error() noexcept override;
  // kFailed: empty where the peer left without a word.
  [[nodiscard]] std::string_view failure() const noexcept override { return failure_; }
  void close(relay::Close how) noexcept override;
  void set_first(bool first) noexcept override { socket_.set_first(first); }

  [[nodiscard]] relay::SourceKind source_kind() const noexcept override;
  [[nodiscard]] bool readable() const noexcept override;
  void clear_readable() noexcept override;
  void mark_readable() noexcept override { socket_.mark_readable(); }
  [[nodiscard]] bool peer_closed() const noexcept override { return ended_ || socket_.peer_closed(); }
  os::IoResult recv(std::span<char> into) noexcept override;
  os::IoResult splice_to(os::Pipe& pipe, std::size_t most) noexcept override;
  [[nodiscard]] bool was_reset() const noexcept override { return socket_.was_reset(); }
  [[nodiscard]] bool silent() noexcept override;
  [[nodiscard]] bool failed() noexcept override;
  [[nodiscard]] relay::Reason encrypted_because() const noexcept override { return because_; }

  [[nodiscard]] relay::SinkKind sink_kind() const noexcept override;
  [[nodiscard]] bool writable() const noexcept override;
  os::IoResult send(std::span<const iovec> pieces, bool more) noexcept override;
  os::IoResult splice_from(os::Pipe& pipe, std::size_t most) noexcept override;
  os::IoResult send_file(int file, std::uint64_t offset, std::size_t most) noexcept override;
  os::IoResult finish(std::string_view) noexcept override;
  [[nodiscard]] bool flushed() noexcept override;
  void shutdown_write() noexcept override;

 private:
  void on_socket(loop::Socket&) override;
  void run_deferred() override { (void)flush(); }

  // handshake.cc
  void step_handshake();
  void handshake_done();
  void handshake_failed(int why);
  void leave_kernel_bio(bool reading, bool writing);

  // receiving.cc
  os::IoResult read_records(std::span<char> into) noexcept;
  os::IoResult read_failed(int why) noexcept;
  os::IoResult look_ahead() noexcept;
  static void on_message(int sent, int version, int type, const void* bytes, std::size_t size, SSL*,
                         void* self);
  void on_key_update(bool ours_too) noexcept;

  // sending.cc
  os::IoResult send_records(std::span<const iovec> pieces, bool more) noexcept;
  os::IoResult flush() noexcept;
  os::IoResult after_write(os::IoResult put) noexcept;
  bool kernel_holds_records() noexcept;
  void say_goodbye() noexcept;
  void push_goodbye() noexcept;

  relay::Resources& resources_;
  observe::Counters& counters_;
  loop::Socket socket_;
  Wire wire_;
  SslPtr ssl_;  // its BIO points at wire_
  RecordSize records_;
  std::string failure_;
  State state_ = State::kHandshaking;
  relay::Reason because_ = relay::Reason::kEncrypted;
  int connect_error_ = 0;
  int read_error_ = 0, write_error_ = 0;  // for good
  os::Time key_updates_since_{};
  std::uint16_t key_updates_ = 0;
  bool connected_ = false;  // TCP is established
  bool asks_kernel_;
  bool kernel_sends_ = false, kernel_receives_ = false;
  bool drawn_ = true;           // OpenSSL holds no more than a part of a record
  bool read_waits_ = false;     // OpenSSL must write before it reads on, and there was no room
  bool heard_goodbye_ = false;  // close_notify was seen, ...
  bool ended_ = false;          // ... and all before it was read
  bool shut_ = false;           // we said ours, or will say nothing more
  bool goodbye_due_ = false;    // ... but the kernel had no room for it yet
  bool fin_due_ = false;        // a FIN goes out once the last record has left
};

}  // namespace sluice::tls
