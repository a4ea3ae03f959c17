#include "http2/stream.h"

#include <algorithm>
#include <cstring>

#include "http2/session.h"
#include "os/file.h"

namespace sluice::http2 {

Stream::~Stream() { close(relay::Close::kCut); }

void Stream::close(relay::Close how) noexcept {
  if (session_ != nullptr) session_->forget(*this, how);
}

bool Stream::send_head(std::string_view text, Follows follows, http::Method asked) {
  return session_ != nullptr && session_->send_head(*this, text, follows, asked);
}

relay::Reason Stream::encrypted_because() const noexcept {
  return session_ != nullptr ? session_->transport_.encrypted_because() : relay::Reason::kEncrypted;
}

// Where the kernel can't take payload the way below decides, not the frames.
relay::SinkKind Stream::sink_kind() const noexcept {
  const bool user_tls = session_ != nullptr && session_->transport_.sink_kind() == relay::SinkKind::kUserTls;
  return user_tls ? relay::SinkKind::kUserTls : relay::SinkKind::kHttp2Stream;
}

os::IoResult Stream::recv(std::span<char> into) noexcept {
  relay::Buffer& from = head_.empty() ? body_ : head_;
  if (!from.empty()) {
    const std::size_t n = std::min(into.size(), from.size());
    std::memcpy(into.data(), from.data(), n);
    from.consume(n);
    from.release_if_empty();
    if (&from == &body_ && session_ != nullptr) session_->read_from(*this, n);
    return {.bytes = n};
  }
  if (remote_done_) return {};
  if (reset_ || session_ == nullptr) return {.error = ECONNRESET};
  readable_ = false;
  return {.error = EAGAIN};
}

os::IoResult Stream::send(std::span<const iovec> pieces, bool more) noexcept {
  std::size_t size = 0;
  for (const iovec& piece : pieces) size += piece.iov_len;
  if (session_ == nullptr) return {.error = EPIPE};
  Session::Offer offer{
      .stream = *this, .kind = Session::Offer::Kind::kMemory, .left = size, .pieces = pieces};
  return session_->put(offer, more);
}

os::IoResult Stream::splice_from(os::Pipe& pipe, std::size_t most) noexcept {
  if (session_ == nullptr) return {.error = EPIPE};
  Session::Offer offer{.stream = *this,
                       .kind = Session::Offer::Kind::kPipe,
                       .left = std::min(most, pipe.pending()),
                       .pipe = &pipe};
  return session_->put(offer, false);
}

os::IoResult Stream::send_file(int file, std::uint64_t offset, std::size_t most) noexcept {
  if (session_ == nullptr) return {.error = EPIPE};
  // A frame says how long it is before its payload is sent, so what is not there must not be announced.
  struct stat status;
  int error = 0;
  if (!os::file_status(file, status, error)) return {.error = error};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size <= offset) return {};
  Session::Offer offer{.stream = *this,
                       .kind = Session::Offer::Kind::kFile,
                       .left = static_cast<std::size_t>(std::min<std::uint64_t>(most, size - offset)),
                       .file = file,
                       .offset = offset};
  return session_->put(offer, false);
}

os::IoResult Stream::finish(std::string_view trailers) noexcept {
  if (local_done_) return {};
  if (session_ == nullptr) return {.error = EPIPE};
  Session::Offer offer{.stream = *this, .kind = Session::Offer::Kind::kEnd, .left = 0, .trailers = trailers};
  return session_->put(offer, false);
}

}  // namespace sluice::http2
