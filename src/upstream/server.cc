#include "upstream/server.h"

#include <algorithm>
#include <utility>

#include "upstream/connection.h"
#include "upstream/http2_connection.h"

namespace sluice::upstream {

Server::Server(const os::Address& address, const config::Upstream& config, std::string host,
               std::shared_ptr<const tls::ClientContext> tls)
    : address_(address),
      name_(address.text()),
      config_(config),
      host_(std::move(host)),
      tls_(std::move(tls)),
      http2_(config.idle_connections) {}

tls::SslPtr Server::new_tls_connection() const { return tls_->new_connection(host_, session_); }

Server::~Server() = default;

void Server::retire() noexcept {
  retired_ = true;
  idle_.clear();
  http2_.retire();
}

void Server::keep(std::shared_ptr<Http2Connection> connection) {
  if (retired_) return connection->retire();  // its streams alone hold it
  http2_.add(std::move(connection));
}

bool Server::take_turn(os::Time now) noexcept {
  if (!down_) return true;
  if (now < down_until_) return false;
  down_until_ = now + config_.fail_timeout;
  return true;
}

bool Server::failed(os::Time now) noexcept {
  if (config_.max_fails == 0) return false;
  if (down_) {
    down_until_ = now + config_.fail_timeout;
    return false;
  }
  if (fails_ == 0 || now - fails_since_ > config_.fail_timeout) {
    fails_ = 0;
    fails_since_ = now;
  }
  if (++fails_ < config_.max_fails) return false;
  down_ = true;
  down_until_ = now + config_.fail_timeout;
  return true;
}

bool Server::succeeded() noexcept {
  fails_ = 0;
  return std::exchange(down_, false);
}

std::unique_ptr<Connection> Server::take_idle() noexcept {
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  connection->leave_pool();
  return connection;
}

void Server::keep_idle(std::unique_ptr<Connection> connection) {
  if (retired_ || idle_.size() >= config_.idle_connections) return;  // closes it
  connection->enter_pool(config_.idle_timeout);
  idle_.push_back(std::move(connection));
}

void Server::drop_idle(Connection& connection) noexcept {
  const auto at =
      std::find_if(idle_.begin(), idle_.end(), [&](const auto& c) { return c.get() == &connection; });
  if (at != idle_.end()) idle_.erase(at);
}

}  // namespace sluice::upstream
