#include "upstream/transport.h"

#include <cerrno>

#include "os/socket.h"
#include "relay/socket_channel.h"
#include "upstream/server.h"

namespace sluice::upstream {

std::unique_ptr<relay::Channel> connect(Means means, const Server& server, relay::ChannelHandler& user,
                                        int& error) {
  os::SocketOr made = os::connect_tcp(server.address());
  error = made.error;
  if (!made.fd.valid()) return nullptr;
  auto channel = std::make_unique<relay::SocketChannel>();
  if (!channel->attach(means.resources.loop, std::move(made.fd))) {
    error = ENOMEM;
    return nullptr;
  }
  channel->set_handler(user);
  return channel;
}

}  // namespace sluice::upstream
