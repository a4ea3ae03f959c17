// What an HTTP/2 connection has framed and its transport has not taken: frames in order, copied or lent.
//
// Frames of one turn leave in one gathered write. Payload is lent for the length of a call; what is left of it then is
// copied by keep(), for a frame once begun belongs to the connection. Bounded by its user: see Session.
// Thread    the loop's.
#pragma once

#include <sys/uio.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/io_result.h"
#include "relay/channel.h"

namespace sluice::http2 {

class Output {
 public:
  void copy(std::string_view bytes);
  void lend(std::string_view bytes);  // stands still until keep()
  // Room for `size` bytes that the caller fills at once.
  [[nodiscard]] std::span<char> extend(std::size_t size);
  void shorten(std::size_t size);  // of the last extend()
  void keep();

  // Until all has left or the transport takes no more; then ok() as well. `more`: see relay::Channel::send().
  os::IoResult write(relay::Channel& transport, bool more) noexcept;

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void release() noexcept;  // memory that an idle connection has no use for

 private:
  struct Piece {
    const char* lent;  // null: in own_, at `at`
    std::size_t at, size;
  };
  void joins_own(std::size_t at, std::size_t size);  // own_ holds them already
  void clear() noexcept;

  std::string own_;
  std::vector<Piece> pieces_;
  std::size_t first_ = 0;  // of pieces_
  std::size_t size_ = 0;
};

}  // namespace sluice::http2
