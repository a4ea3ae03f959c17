#include "relay/socket_channel.h"

#include "relay/ends.h"

using namespace sluice;
using namespace sluice::testing;

TEST_CASE("a FIN is no failure, a reset behind it is one", "[socket-channel]") {
  Worker worker;
  End end(worker, Transport::kTcp);
  worker.turn();
  CHECK_FALSE(end.socket.failed());
  REQUIRE(::shutdown(end.peer.get(), SHUT_WR) == 0);
  for (int i = 0; i < 1000 && !end.socket.peer_closed(); ++i) worker.turn();
  REQUIRE(end.socket.peer_closed());
  CHECK_FALSE(end.socket.failed());

  // Who closes with bytes unread answers with a reset.
  const std::string_view text = "text";
  const iovec piece{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  REQUIRE(end.socket.send({&piece, 1}, false).ok());
  end.peer.reset();
  bool failed = false;
  for (int i = 0; i < 1000 && !failed; ++i) {
    worker.turn();
    failed = end.socket.failed();
  }
  CHECK(failed);
}
