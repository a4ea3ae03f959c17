// Chunked framing, both ways. RFC 9112 section 7.1.
//
// Only boundaries are seen here: the payload between them need not be in user memory.
// Strict: hexadecimal digits only (no sign, 0x, underscore), sizes up to 2^63 - 1, lines end in CRLF,
// extensions are skipped but bounded, no control characters in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::relay {

class ChunkedDecoder {
 public:
  // Consumes framing bytes from the front of `in` and returns how many. It stops where payload begins
  // (data_left() > 0), at the end of the body (done()), at nonsense (broken()), or when `in` is used up.
  std::size_t skip_framing(std::string_view in);

  [[nodiscard]] std::uint64_t data_left() const noexcept { return state_ == State::kData ? left_ : 0; }
  void took_data(std::uint64_t n) noexcept;  // n <= data_left()

  [[nodiscard]] bool done() const noexcept { return state_ == State::kDone; }
  [[nodiscard]] bool broken() const noexcept { return state_ == State::kBroken; }
  void refuse() noexcept { state_ = State::kBroken; }  // a reader of the trailers does not like them
  // The trailer section as received, without the empty line; complete when done(). At most kMostTrailers
  // bytes.
  [[nodiscard]] const std::string& trailers() const noexcept { return trailers_; }

  static constexpr std::size_t kMostTrailers = 8192;

 private:
  enum class State : std::uint8_t {
    kSizeStart,  // first digit of a chunk size
    kSize,       // further digits
    kSpace,      // white space after the size: only an extension may follow
    kExtension,  // up to CR
    kSizeLf,     // LF of the size line
    kData,       // payload; counted by took_data()
    kDataCr,
    kDataLf,
    kTrailerStart,  // first byte of a trailer line, or CR of the empty line
    kTrailer,
    kTrailerLf,
    kEndLf,
    kDone,
    kBroken,
  };
  void keep_trailer_byte(char c);  // or broken, where there are too many
  void size_line_done() noexcept { state_ = left_ == 0 ? State::kTrailerStart : State::kData; }

  State state_ = State::kSizeStart;
  std::uint8_t digits_ = 0;
  std::uint32_t extension_bytes_ = 0;  // over the whole body: a peer that sends only extensions is cut off
  std::uint64_t left_ = 0;             // payload bytes of this chunk still to come
  std::string trailers_;
};

// Appends "<hex>\r\n".
void append_chunk_size(std::string& out, std::uint64_t size);

}  // namespace sluice::relay
