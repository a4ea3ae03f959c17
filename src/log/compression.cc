#include "log/compression.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

#include "base/big_endian.h"
#include "base/bytes.h"

namespace sluice::log {

namespace {

constexpr std::array<std::string_view, 5> kNames = {"none", "gzip", "snappy", "lz4", "zstd"};
constexpr std::string_view kTooLarge = "it is larger than allowed", kCut = "it ends early";

// What a library has written so far; grows by steps. One byte more than `limit` is lent: a library that needs no room
// any more may still want some to say that this was the end.
class Output {
 public:
  Output(std::string& out, std::size_t limit) : out_(out), limit_(limit) { out_.clear(); }
  bool grow() {  // false: the limit is passed
    if (used_ > limit_) return false;
    if (left() == 0) out_.resize(std::min(limit_ + 1, std::max<std::size_t>(2 * used_, 16_KiB)));
    return true;
  }
  [[nodiscard]] char* room() noexcept { return out_.data() + used_; }
  [[nodiscard]] std::size_t left() const noexcept { return out_.size() - used_; }
  void wrote(std::size_t bytes) noexcept { used_ += bytes; }
  bool finish() {  // false: the limit is passed
    out_.resize(used_);
    return used_ <= limit_;
  }

 private:
  std::string& out_;
  std::size_t limit_, used_ = 0;
};

// --- gzip ---------------------------------------------------------------------------------------------------
constexpr int kGzipWindow = 15 + 16;  // the largest window; 16: gzip's head and tail

bool gunzip(std::string_view in, Output& out, std::string_view& why) {
  z_stream stream{};
  if (::inflateInit2(&stream, kGzipWindow) != Z_OK) return why = "zlib has no memory", false;
  const std::unique_ptr<z_stream, decltype(&::inflateEnd)> guard(&stream, ::inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  for (;;) {
    if (!out.grow()) return why = kTooLarge, false;
    const auto room = static_cast<uInt>(out.left());
    stream.next_out = reinterpret_cast<Bytef*>(out.room());
    stream.avail_out = room;
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    out.wrote(room - stream.avail_out);
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0) return true;
      ::inflateReset(&stream);  // another member: RFC 1952 section 2.2
    } else if (result == Z_BUF_ERROR || (result == Z_OK && stream.avail_in == 0 && stream.avail_out != 0)) {
      return why = kCut, false;
    } else if (result != Z_OK) {
      return why = "it is no gzip", false;
    }
  }
}

std::string gzip(std::string_view in) {
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib has no memory");
  const std::unique_ptr<z_stream, decltype(&::deflateEnd)> guard(&stream, ::deflateEnd);
  std::string out(::deflateBound(&stream, in.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (::deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("zlib failed to compress");
  out.resize(stream.total_out);
  return out;
}

// --- snappy -------------------------------------------------------------------------------------------------
// xerial's framing: its magic, version and lowest version that can read it, then blocks behind their lengths.
using namespace std::string_view_literals;
constexpr std::string_view kXerialMagic = "\x82SNAPPY\0"sv;
constexpr std::string_view kXerialHead = "\x82SNAPPY\0\0\0\0\1\0\0\0\1"sv;
constexpr std::size_t kXerialBlock = 32_KiB;  // as Kafka's producers make them

bool unsnap_block(std::string_view in, std::size_t limit, std::string& out, std::string_view& why) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(in.data(), in.size(), &size)) return why = "it is no snappy", false;
  if (size > limit - out.size()) return why = kTooLarge, false;
  const std::size_t before = out.size();
  out.resize(before + size);
  if (!snappy::RawUncompress(in.data(), in.size(), out.data() + before))
    return why = "it is no snappy", false;
  return true;
}

bool unsnap(std::string_view in, std::size_t limit, std::string& out, std::string_view& why) {
  out.clear();
  if (!in.starts_with(kXerialMagic)) return unsnap_block(in, limit, out, why);
  while (!in.empty()) {
    if (in.starts_with(kXerialMagic)) {  // also in the middle, where streams were put together
      if (in.size() < kXerialHead.size()) return why = kCut, false;
      in.remove_prefix(kXerialHead.size());
      continue;
    }
    if (in.size() < 4) return why = kCut, false;
    const auto size = load_big_endian<std::uint32_t>(in.data());
    in.remove_prefix(4);
    if (size > in.size()) return why = kCut, false;
    if (!unsnap_block(in.substr(0, size), limit, out, why)) return false;
    in.remove_prefix(size);
  }
  return true;
}

std::string snap(std::string_view in) {
  std::string out(kXerialHead);
  std::string block(snappy::MaxCompressedLength(kXerialBlock), '\0');
  while (!in.empty()) {
    const std::string_view part = in.substr(0, kXerialBlock);
    std::size_t size = 0;
    snappy::RawCompress(part.data(), part.size(), block.data(), &size);
    char head[4];
    store_big_endian(head, static_cast<std::uint32_t>(size));
    out.append(head, sizeof head).append(block, 0, size);
    in.remove_prefix(part.size());
  }
  return out;
}

// --- lz4 ----------------------------------------------------------------------------------------------------
// XXH32 of less than 16 bytes, for the second byte of it is a frame's header checksum.
// Source: the xxHash specification, version 0.1.1.
std::uint32_t xxh32_short(std::string_view bytes) noexcept {
  constexpr std::uint32_t kPrime1 = 0x9e3779b1, kPrime2 = 0x85ebca77, kPrime3 = 0xc2b2ae3d,
                          kPrime4 = 0x27d4eb2f, kPrime5 = 0x165667b1;
  const auto rotate = [](std::uint32_t x, int by) { return (x << by) | (x >> (32 - by)); };
  std::uint32_t hash = kPrime5 + static_cast<std::uint32_t>(bytes.size());
  for (; bytes.size() >= 4; bytes.remove_prefix(4)) {
    const std::uint32_t lane = __builtin_bswap32(load_big_endian<std::uint32_t>(bytes.data()));
    hash = rotate(hash + lane * kPrime3, 17) * kPrime4;
  }
  for (const char c : bytes) hash = rotate(hash + static_cast<unsigned char>(c) * kPrime5, 11) * kPrime1;
  hash = (hash ^ (hash >> 15)) * kPrime2;
  hash = (hash ^ (hash >> 13)) * kPrime3;
  return hash ^ (hash >> 16);
}

// The head of a frame with the right checksum in it: old producers took it over the magic number, too (KAFKA-3160).
std::string right_lz4_head(std::string_view in) {
  if (in.size() < 7 || !in.starts_with("\x04\x22\x4d\x18")) return {};
  const bool has_size = (in[4] & 8) != 0, has_dictionary = (in[4] & 1) != 0;
  const std::size_t size = 4 + 2 + (has_size ? 8 : 0) + (has_dictionary ? 4 : 0) + 1;
  if (in.size() < size) return {};
  std::string head(in.substr(0, size));
  head.back() = static_cast<char>(xxh32_short(std::string_view(head).substr(4, size - 5)) >> 8);
  return head;
}

bool unlz4(std::string_view in, Output& out, std::string_view& why) {
  LZ4F_dctx* made = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)))
    return why = "lz4 has no memory", false;
  const std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> context(
      made, LZ4F_freeDecompressionContext);
  const std::string head = right_lz4_head(in);
  if (head.empty()) return why = "it is no lz4", false;
  std::string_view parts[] = {head, in.substr(head.size())};
  for (std::string_view& part : parts) {
    while (!part.empty()) {
      if (!out.grow()) return why = kTooLarge, false;
      std::size_t wrote = out.left(), read = part.size();
      const std::size_t hint =
          LZ4F_decompress(context.get(), out.room(), &wrote, part.data(), &read, nullptr);
      if (LZ4F_isError(hint)) return why = "it is no lz4", false;
      out.wrote(wrote);
      part.remove_prefix(read);
      if (hint == 0) return why = "bytes follow its frame", part.empty();
    }
  }
  return why = kCut, false;
}

std::string lz4(std::string_view in) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;  // Java's reader knows no other
  std::string out(LZ4F_compressFrameBound(in.size(), &preferences), '\0');
  const std::size_t size = LZ4F_compressFrame(out.data(), out.size(), in.data(), in.size(), &preferences);
  if (LZ4F_isError(size)) throw std::runtime_error(std::string("lz4: ") + LZ4F_getErrorName(size));
  out.resize(size);
  return out;
}

// --- zstd ---------------------------------------------------------------------------------------------------
bool unzstd(std::string_view in, Output& out, std::string_view& why) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return why = "zstd has no memory", false;
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  for (;;) {
    if (!out.grow()) return why = kTooLarge, false;
    ZSTD_outBuffer to{out.room(), out.left(), 0};
    const std::size_t before = from.pos;
    const std::size_t hint = ZSTD_decompressStream(context.get(), &to, &from);
    if (ZSTD_isError(hint)) return why = "it is no zstd", false;
    out.wrote(to.pos);
    if (hint == 0 && from.pos == from.size) return true;
    if (to.pos == 0 && from.pos == before) return why = kCut, false;
  }
}

std::string zstd(std::string_view in) {
  std::string out(ZSTD_compressBound(in.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), in.data(), in.size(), ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(size)) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

bool decompress_with(Codec codec, std::string_view in, Output& out, std::string_view& why) {
  switch (codec) {
    case Codec::kGzip:
      return gunzip(in, out, why);
    case Codec::kLz4:
      return unlz4(in, out, why);
    case Codec::kZstd:
      return unzstd(in, out, why);
    case Codec::kNone:
    case Codec::kSnappy:
      break;
  }
  return why = "no such codec", false;
}

}  // namespace

bool decompress(Codec codec, std::string_view in, std::size_t limit, std::string& out,
                std::string_view& why) {
  if (codec == Codec::kSnappy) return unsnap(in, limit, out, why);
  if (codec == Codec::kNone) {
    if (in.size() > limit) return why = kTooLarge, false;
    out = in;
    return true;
  }
  Output output(out, limit);
  const bool done = decompress_with(codec, in, output, why);
  if (output.finish()) return done;
  return why = kTooLarge, false;
}

std::string compress(Codec codec, std::string_view in) {
  switch (codec) {
    case Codec::kNone:
      return std::string(in);
    case Codec::kGzip:
      return gzip(in);
    case Codec::kSnappy:
      return snap(in);
    case Codec::kLz4:
      return lz4(in);
    case Codec::kZstd:
      return zstd(in);
  }
  throw std::runtime_error("no such codec");
}

std::string_view name_of(Codec codec) noexcept {
  const auto at = static_cast<std::size_t>(codec);
  return at < kNames.size() ? kNames[at] : "unknown";
}

std::optional<Codec> codec_named(std::string_view name) noexcept {
  const auto at = std::find(kNames.begin(), kNames.end(), name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<Codec>(at - kNames.begin());
}

}  // namespace sluice::log
