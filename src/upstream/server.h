// One address that an upstream's connections can go to: its health and its idle connections.
//
// Passive health: `max_fails` failures within `fail_timeout` mark it down for `fail_timeout`; then one
// exchange tries it again, and its success or failure decides. Each worker learns for itself.
// Thread    the worker's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "os/address.h"
#include "os/clock.h"
#include "tls/client_context.h"
#include "upstream/http2_pool.h"

namespace sluice::upstream {

class Connection;

class Server {
 public:
  // `host`: as configured, a name or an address. `tls`: null where connections are plain.
  Server(const os::Address& address, const config::Upstream& config, std::string host = {},
         std::shared_ptr<const tls::ClientContext> tls = nullptr);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] const os::Address& address() const noexcept { return address_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }  // "127.0.0.1:80", for logs

  [[nodiscard]] bool encrypted() const noexcept { return tls_ != nullptr; }
  // encrypted(): our side of a new connection, which goes on with the last one's session. Null: no memory.
  [[nodiscard]] tls::SslPtr new_tls_connection() const;

  // May be tried now. A server whose time is over is on trial: it answers true once, then false for another
  // such time, unless the trial succeeds.
  [[nodiscard]] bool take_turn(os::Time now) noexcept;
  // Returns true when this failure marked it down.
  bool failed(os::Time now) noexcept;
  // Returns true when it was marked down until now.
  bool succeeded() noexcept;

  // The most recently used idle connection that is still usable, or null.
  std::unique_ptr<Connection> take_idle() noexcept;
  // Keeps it for the next exchange, or closes it when enough are kept.
  void keep_idle(std::unique_ptr<Connection> connection);
  void drop_idle(Connection& connection) noexcept;  // it closed, or said something unasked for
  // Its group is going, or its name no longer leads here: idle connections close, and none is kept from now
  // on. (A pooled connection and its server own each other; this is where the cycle ends.)
  void retire() noexcept;
  [[nodiscard]] std::size_t idle() const noexcept { return idle_.size() + http2_.idle(); }
  // The same for HTTP/2: connections that many exchanges share.
  [[nodiscard]] Http2Pool& http2() noexcept { return http2_; }
  void keep(std::shared_ptr<Http2Connection> connection);
  [[nodiscard]] const config::Upstream& config() const noexcept { return config_; }

 private:
  const os::Address address_;
  const std::string name_;
  const config::Upstream config_;
  const std::string host_;
  const std::shared_ptr<const tls::ClientContext> tls_;
  const std::shared_ptr<tls::LastSession> session_ = std::make_shared<tls::LastSession>();
  unsigned fails_ = 0;
  os::Time fails_since_{};
  os::Time down_until_{};
  bool down_ = false;
  bool retired_ = false;
  std::vector<std::unique_ptr<Connection>> idle_;  // most recently used last
  Http2Pool http2_;
};

}  // namespace sluice::upstream
