// What carries a connection to a server: a socket, or TLS over one.
//
// Thread    the worker's.
#pragma once

#include <memory>
#include <string_view>

#include "observe/counters.h"
#include "relay/channel.h"
#include "relay/resources.h"

namespace sluice::upstream {

class Server;

// What a worker's connections draw on. Borrowed; they outlive every connection.
struct Means {
  relay::Resources& resources;
  observe::Counters& counters;
};

// Starts to connect; `user` hears how far it got (relay::Channel::connect_error). Null: errno in `error`.
std::unique_ptr<relay::Channel> connect(Means means, const Server& server, relay::ChannelHandler& user,
                                        int& error);

// What ALPN agreed on, once a transport to an encrypted server stands; empty: nothing.
std::string_view agreed_protocol(const relay::Channel& transport) noexcept;

}  // namespace sluice::upstream
