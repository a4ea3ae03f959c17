#include "upstream/transport.h"

#include <cerrno>

#include "os/socket.h"
#include "relay/socket_channel.h"
#include "tls/tls_channel.h"
#include "upstream/server.h"

namespace sluice::upstream {

namespace {

std::unique_ptr<relay::Channel> plain(Means means, os::UniqueFd fd) {
  auto channel = std::make_unique<relay::SocketChannel>();
  return channel->attach(means.resources.loop, std::move(fd)) ? std::move(channel) : nullptr;
}

std::unique_ptr<relay::Channel> encrypted(Means means, const Server& server, os::UniqueFd fd) {
  tls::SslPtr ssl = server.new_tls_connection();
  if (ssl == nullptr) return nullptr;
  auto channel = std::make_unique<tls::TlsChannel>(means.resources, means.counters, std::move(ssl), false);
  return channel->attach(std::move(fd)) ? std::move(channel) : nullptr;
}

}  // namespace

std::unique_ptr<relay::Channel> connect(Means means, const Server& server, relay::ChannelHandler& user,
                                        int& error) {
  os::SocketOr made = os::connect_tcp(server.address());
  error = made.error;
  if (!made.fd.valid()) return nullptr;
  auto channel =
      server.encrypted() ? encrypted(means, server, std::move(made.fd)) : plain(means, std::move(made.fd));
  if (channel == nullptr) {
    error = ENOMEM;
    return nullptr;
  }
  channel->set_handler(user);
  return channel;
}

std::string_view agreed_protocol(const relay::Channel& transport) noexcept {
  return static_cast<const tls::TlsChannel&>(transport).protocol();
}

}  // namespace sluice::upstream
