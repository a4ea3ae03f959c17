#include "http2/output.h"

#include <algorithm>
#include <array>

namespace sluice::http2 {

void Output::joins_own(std::size_t at, std::size_t size) {
  if (pieces_.size() > first_ && pieces_.back().lent == nullptr &&
      pieces_.back().at + pieces_.back().size == at) {
    pieces_.back().size += size;
  } else {
    pieces_.push_back({.lent = nullptr, .at = at, .size = size});
  }
  size_ += size;
}

std::span<char> Output::extend(std::size_t size) {
  const std::size_t at = own_.size();
  own_.resize(at + size);
  joins_own(at, size);
  return {own_.data() + at, size};
}

void Output::shorten(std::size_t size) {
  own_.resize(own_.size() - size);
  size_ -= size;
  pieces_.back().size -= size;
  if (pieces_.back().size == 0) pieces_.pop_back();
}

void Output::copy(std::string_view bytes) {
  if (bytes.empty()) return;
  own_.append(bytes);
  joins_own(own_.size() - bytes.size(), bytes.size());
}

void Output::lend(std::string_view bytes) {
  if (bytes.empty()) return;
  pieces_.push_back({.lent = bytes.data(), .at = 0, .size = bytes.size()});
  size_ += bytes.size();
}

void Output::keep() {
  if (size_ == 0) return clear();
  const auto is_lent = [](const Piece& piece) { return piece.lent != nullptr; };
  if (std::none_of(pieces_.begin() + static_cast<std::ptrdiff_t>(first_), pieces_.end(), is_lent)) return;
  std::string all;
  all.reserve(size_);
  for (std::size_t i = first_; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    all.append(piece.lent != nullptr ? piece.lent : own_.data() + piece.at, piece.size);
  }
  own_.swap(all);
  first_ = 0;
  pieces_.assign(1, {.lent = nullptr, .at = 0, .size = size_});
}

os::IoResult Output::write(relay::Channel& transport, bool more) noexcept {
  constexpr std::size_t kMost = 64;
  while (size_ != 0 && transport.writable()) {
    std::array<iovec, kMost> vector;
    std::size_t count = 0;
    for (std::size_t i = first_; i < pieces_.size() && count < kMost; ++i, ++count) {
      const Piece& piece = pieces_[i];
      const char* const data = piece.lent != nullptr ? piece.lent : own_.data() + piece.at;
      vector[count] = {.iov_base = const_cast<char*>(data), .iov_len = piece.size};
    }
    const bool all = first_ + count == pieces_.size();
    const os::IoResult put = transport.send({vector.data(), count}, more || !all);
    if (put.would_block()) break;
    if (!put.ok()) return put;
    std::size_t left = put.bytes;
    size_ -= left;
    while (left != 0) {
      Piece& piece = pieces_[first_];
      const std::size_t n = std::min(left, piece.size);
      left -= n;
      piece.size -= n;
      if (piece.lent != nullptr) {
        piece.lent += n;
      } else {
        piece.at += n;
      }
      if (piece.size == 0) ++first_;
    }
  }
  if (size_ == 0) clear();
  return {};
}

void Output::clear() noexcept {
  own_.clear();
  pieces_.clear();
  first_ = 0;
}

void Output::release() noexcept {
  if (size_ != 0) return;
  std::string().swap(own_);
  std::vector<Piece>().swap(pieces_);
}

}  // namespace sluice::http2
