// A channel that passes all on to another one: tests derive from it and change what they are about.
#pragma once

#include "relay/channel.h"

namespace sluice::testing {

class WrappedChannel : public relay::Channel, private relay::ChannelHandler {
 public:
  explicit WrappedChannel(relay::Channel& below) : below_(below) { below_.set_handler(*this); }

  bool open() const noexcept override { return below_.open(); }
  int connect_error() noexcept override { return below_.connect_error(); }
  void close(relay::Close how) noexcept override { below_.close(how); }
  relay::SourceKind source_kind() const noexcept override { return below_.source_kind(); }
  bool readable() const noexcept override { return below_.readable(); }
  void clear_readable() noexcept override { below_.clear_readable(); }
  void mark_readable() noexcept override { below_.mark_readable(); }
  bool peer_closed() const noexcept override { return below_.peer_closed(); }
  os::IoResult recv(std::span<char> into) noexcept override { return below_.recv(into); }
  os::IoResult splice_to(os::Pipe& pipe, std::size_t most) noexcept override {
    return below_.splice_to(pipe, most);
  }
  void acknowledge() noexcept override { below_.acknowledge(); }
  bool was_reset() const noexcept override { return below_.was_reset(); }
  bool silent() noexcept override { return below_.silent(); }
  bool failed() noexcept override { return below_.failed(); }
  relay::SinkKind sink_kind() const noexcept override { return below_.sink_kind(); }
  bool writable() const noexcept override { return below_.writable(); }
  os::IoResult send(std::span<const iovec> pieces, bool more) noexcept override {
    return below_.send(pieces, more);
  }
  os::IoResult splice_from(os::Pipe& pipe, std::size_t most) noexcept override {
    return below_.splice_from(pipe, most);
  }
  os::IoResult send_file(int file, std::uint64_t offset, std::size_t most) noexcept override {
    return below_.send_file(file, offset, most);
  }
  os::IoResult finish(std::string_view trailers) noexcept override { return below_.finish(trailers); }
  void shutdown_write() noexcept override { below_.shutdown_write(); }

 protected:
  relay::Channel& below_;

 private:
  void on_channel(relay::Channel&) override { tell_handler(); }
};

}  // namespace sluice::testing
