#include "sluice/zero_copy.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>

#include "os/file.h"
#include "os/kernel_paths.h"
#include "os/pipe.h"
#include "os/socket.h"

namespace sluice {

namespace {

constexpr std::size_t kBlock = 64 * 1024;
constexpr std::size_t kPipe = 256 * 1024;

std::size_t clip(std::uint64_t n, std::size_t most) noexcept {
  return static_cast<std::size_t>(std::min<std::uint64_t>(n, most));
}

os::IoResult send_bytes(int socket, const char* data, std::size_t size) noexcept {
  const iovec piece{.iov_base = const_cast<char*>(data), .iov_len = size};
  return os::send_some(socket, {&piece, 1}, false);
}

}  // namespace

const char* backend_name() noexcept { return os::kernel_paths_name(); }

Progress send_file(int socket, int file, std::uint64_t offset, std::uint64_t count) noexcept {
  Progress progress;
  std::unique_ptr<char[]> block;  // only where the kernel refuses
  while (progress.bytes < count) {
    const std::uint64_t left = count - progress.bytes;
    os::IoResult put;
    if (block == nullptr) {
      put = os::send_file(socket, file, offset + progress.bytes, clip(left, SIZE_MAX));
      if (put.ok() && put.bytes == 0) return {progress.bytes, Stop::kEnd};
      if (put.refused()) {
        block.reset(new (std::nothrow) char[kBlock]);
        if (block == nullptr) return {progress.bytes, Stop::kFailed, ENOMEM};
        continue;
      }
    } else {
      const os::IoResult got = os::read_at(file, {block.get(), clip(left, kBlock)}, offset + progress.bytes);
      if (!got.ok()) return {progress.bytes, Stop::kFailed, got.error};
      if (got.bytes == 0) return {progress.bytes, Stop::kEnd};
      put = send_bytes(socket, block.get(), got.bytes);  // what is not taken is read again
    }
    if (put.would_block()) return {progress.bytes, Stop::kSinkFull};
    if (!put.ok()) return {progress.bytes, Stop::kFailed, put.error};
    progress.bytes += put.bytes;
  }
  return progress;
}

// Bytes in the block come before those in the pipe: it is filled while the pipe is empty, or from the pipe's front.
struct SocketRelay::State {
  os::Pipe pipe;
  std::unique_ptr<char[]> block;
  std::size_t begin = 0, end = 0;  // of the bytes in the block
  std::uint64_t copied = 0;
  bool splices = false;

  bool start_copying() noexcept {
    splices = false;
    if (block == nullptr) block.reset(new (std::nothrow) char[kBlock]);
    return block != nullptr;
  }
};

SocketRelay::SocketRelay() noexcept : state_(new (std::nothrow) State) {
  if (state_ == nullptr) return;
  int error = 0;
  state_->pipe = os::Pipe::open(kPipe, error);
  state_->splices = state_->pipe.valid() && os::kernel_paths().splice;
}

SocketRelay::~SocketRelay() = default;
SocketRelay::SocketRelay(SocketRelay&&) noexcept = default;
SocketRelay& SocketRelay::operator=(SocketRelay&&) noexcept = default;

std::size_t SocketRelay::pending() const noexcept {
  return state_ == nullptr ? 0 : state_->pipe.pending() + (state_->end - state_->begin);
}

std::uint64_t SocketRelay::copied() const noexcept { return state_ == nullptr ? 0 : state_->copied; }

Progress SocketRelay::move(int from, int to, std::uint64_t count) noexcept {
  if (state_ == nullptr) return {0, Stop::kFailed, ENOMEM};
  State& s = *state_;
  Progress progress;
  for (;;) {
    while (s.begin != s.end) {
      const os::IoResult put = send_bytes(to, s.block.get() + s.begin, s.end - s.begin);
      if (put.would_block()) return {progress.bytes, Stop::kSinkFull};
      if (!put.ok()) return {progress.bytes, Stop::kFailed, put.error};
      s.begin += put.bytes;
      s.copied += put.bytes;
      progress.bytes += put.bytes;
    }
    while (s.pipe.pending() != 0) {
      const os::IoResult put = os::splice_out(s.pipe, to, s.pipe.pending(), false);
      if (put.would_block() || (put.ok() && put.bytes == 0)) return {progress.bytes, Stop::kSinkFull};
      if (put.refused()) {  // out of the pipe again: nothing is lost
        if (!s.start_copying()) return {progress.bytes, Stop::kFailed, ENOMEM};
        const os::IoResult got = s.pipe.drain({s.block.get(), kBlock});
        if (!got.ok()) return {progress.bytes, Stop::kFailed, got.error};
        s.begin = 0;
        s.end = got.bytes;
        break;  // to be sent from the block; the rest of the pipe, if any, comes behind it
      }
      if (!put.ok()) return {progress.bytes, Stop::kFailed, put.error};
      s.pipe.removed(put.bytes);
      progress.bytes += put.bytes;
    }
    if (s.begin != s.end) continue;
    if (progress.bytes >= count) return progress;

    const std::uint64_t left = count - progress.bytes;
    if (!s.splices && !s.start_copying()) return {progress.bytes, Stop::kFailed, ENOMEM};
    const os::IoResult got = s.splices ? os::splice_in(from, s.pipe, clip(left, SIZE_MAX))
                                       : os::recv_some(from, {s.block.get(), clip(left, kBlock)});
    if (got.would_block()) return {progress.bytes, Stop::kSourceDry};
    if (got.refused() && s.splices) {
      s.splices = false;
      continue;
    }
    if (!got.ok()) return {progress.bytes, Stop::kFailed, got.error};
    if (got.bytes == 0) return {progress.bytes, Stop::kEnd};
    if (s.splices) {
      s.pipe.added(got.bytes);
    } else {
      s.begin = 0;
      s.end = got.bytes;
    }
  }
}

}  // namespace sluice
