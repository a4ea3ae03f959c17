// The HTTP/2 connections to one server. Streams fill the oldest connection that has room, so that those which are not
// needed any more become idle.
//
// Lifetime  owned by its server; a connection that leaves the pool lives on until its last stream has ended.
// Thread    the worker's.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace sluice::upstream {

class Http2Connection;

class Http2Pool {
 public:
  // `most_idle`: connections without streams that are kept.
  explicit Http2Pool(std::size_t most_idle) noexcept : most_idle_(most_idle) {}
  ~Http2Pool();
  Http2Pool(const Http2Pool&) = delete;
  Http2Pool& operator=(const Http2Pool&) = delete;

  // One that has room for a stream, or null. `connecting`: one that is on its way, else one that stands.
  [[nodiscard]] std::shared_ptr<Http2Connection> find(bool connecting) const noexcept;
  void add(std::shared_ptr<Http2Connection> connection);
  void drop(Http2Connection& connection) noexcept;  // it takes no more streams, or nobody needs it
  void retire() noexcept;                           // drops all

  [[nodiscard]] std::size_t idle() const noexcept;
  [[nodiscard]] bool keeps_idle() const noexcept {
    return idle() <= most_idle_;
  }  // the one that just became so
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

  // How many streams the server took on a connection when it was asked last; before that a usual number.
  [[nodiscard]] std::size_t most_streams() const noexcept { return most_streams_; }
  void learn_streams(std::size_t most) noexcept { most_streams_ = most; }

 private:
  const std::size_t most_idle_;
  std::size_t most_streams_ = 100;
  std::vector<std::shared_ptr<Http2Connection>> all_;  // the oldest first
};

}  // namespace sluice::upstream
