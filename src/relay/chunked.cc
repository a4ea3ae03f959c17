#include "relay/chunked.h"

#include <charconv>

namespace sluice::relay {

namespace {

constexpr std::uint32_t kMostExtensionBytes = 16 * 1024;

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) noexcept {
  const auto u = static_cast<unsigned char>(c);
  return (u < 0x20 && c != '\t') || u == 0x7f;
}

}  // namespace

std::size_t ChunkedDecoder::skip_framing(std::string_view in) {
  std::size_t i = 0;
  for (; i < in.size(); ++i) {
    const char c = in[i];
    switch (state_) {
      case State::kSizeStart:
      case State::kSize: {
        const int digit = hex_value(c);
        if (digit >= 0) {
          // 16 digits with the top bit clear: the largest size is 2^63 - 1. Leading zeros count as digits,
          // too.
          if (++digits_ > 16 || left_ > (UINT64_MAX >> 5)) {
            state_ = State::kBroken;
            return i;
          }
          left_ = left_ * 16 + static_cast<unsigned>(digit);
          state_ = State::kSize;
        } else if (state_ == State::kSizeStart) {
          state_ = State::kBroken;
          return i;
        } else if (c == '\r') {
          state_ = State::kSizeLf;
        } else if (c == ';') {
          state_ = State::kExtension;
        } else if (c == ' ' || c == '\t') {
          state_ = State::kSpace;
        } else {
          state_ = State::kBroken;
          return i;
        }
        break;
      }
      case State::kSpace:
      case State::kExtension:
        if (c == '\r' && state_ == State::kExtension) {
          state_ = State::kSizeLf;
        } else if (is_control(c) || ++extension_bytes_ > kMostExtensionBytes ||
                   (state_ == State::kSpace && c != ' ' && c != '\t' && c != ';')) {
          state_ = State::kBroken;
          return i;
        } else if (c == ';') {
          state_ = State::kExtension;
        }
        break;
      case State::kSizeLf:
        if (c != '\n') {
          state_ = State::kBroken;
          return i;
        }
        size_line_done();
        if (state_ == State::kData) return i + 1;
        break;
      case State::kDataCr:
        state_ = c == '\r' ? State::kDataLf : State::kBroken;
        break;
      case State::kDataLf:
        state_ = c == '\n' ? State::kSizeStart : State::kBroken;
        digits_ = 0;
        break;
      case State::kTrailerStart:
        if (c == '\r') {
          state_ = State::kEndLf;
          break;
        }
        state_ = State::kTrailer;
        [[fallthrough]];
      case State::kTrailer:
        if (c == '\r') {
          state_ = State::kTrailerLf;
        } else if (is_control(c)) {
          state_ = State::kBroken;
        }
        keep_trailer_byte(c);
        break;
      case State::kTrailerLf:
        state_ = c == '\n' ? State::kTrailerStart : State::kBroken;
        keep_trailer_byte(c);
        break;
      case State::kEndLf:
        if (c == '\n') {
          state_ = State::kDone;
          return i + 1;
        }
        state_ = State::kBroken;
        break;
      case State::kData:
      case State::kDone:
      case State::kBroken:
        return i;
    }
    if (state_ == State::kBroken) return i;
  }
  return i;
}

void ChunkedDecoder::keep_trailer_byte(char c) {
  if (trailers_.size() < kMostTrailers) {
    trailers_.push_back(c);
  } else {
    state_ = State::kBroken;
  }
}

void ChunkedDecoder::took_data(std::uint64_t n) noexcept {
  left_ -= n;
  if (left_ == 0) state_ = State::kDataCr;
}

void append_chunk_size(std::string& out, std::uint64_t size) {
  char digits[18];
  const auto [end, error] = std::to_chars(digits, digits + 16, size, 16);
  end[0] = '\r';
  end[1] = '\n';
  out.append(digits, static_cast<std::size_t>(end + 2 - digits));
}

}  // namespace sluice::relay
