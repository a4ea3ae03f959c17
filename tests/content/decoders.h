// The other halves of the compressors, for tests: whole input, as each library's own decoder reads it.
#pragma once

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"

namespace sluice::testing {

struct Decoded {
  std::string text;    // as much as can be decoded
  bool whole = false;  // the coded body ends here, and nothing stands behind it
};

inline Decoded gunzip(std::string_view in) {
  Decoded out;
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  std::array<char, 65536> room;
  int told = Z_OK;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = room.size();
    told = inflate(&stream, Z_SYNC_FLUSH);
    out.text.append(room.data(), room.size() - stream.avail_out);
  } while (told == Z_OK && stream.avail_out == 0);
  out.whole = told == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  return out;
}

inline Decoded unbrotli(std::string_view in) {
  Decoded out;
  const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), &BrotliDecoderDestroyInstance);
  const auto* next = reinterpret_cast<const std::uint8_t*>(in.data());
  std::size_t left = in.size();
  std::array<char, 65536> room;
  BrotliDecoderResult told = BROTLI_DECODER_RESULT_ERROR;
  std::size_t free = 0;
  do {
    auto* at = reinterpret_cast<std::uint8_t*>(room.data());
    free = room.size();
    told = BrotliDecoderDecompressStream(state.get(), &left, &next, &free, &at, nullptr);
    out.text.append(room.data(), room.size() - free);
  } while (told == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT ||
           (told == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT && free == 0));
  out.whole = told == BROTLI_DECODER_RESULT_SUCCESS && left == 0;
  return out;
}

inline Decoded unzstd(std::string_view in) {
  Decoded out;
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 23);  // what browsers take: RFC 9659
  ZSTD_inBuffer input{.src = in.data(), .size = in.size(), .pos = 0};
  std::array<char, 65536> room;
  for (;;) {
    ZSTD_outBuffer output{.dst = room.data(), .size = room.size(), .pos = 0};
    const std::size_t told = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(told) != 0) return out;
    out.text.append(room.data(), output.pos);
    out.whole = told == 0 && input.pos == input.size;
    if (told == 0 || (input.pos == input.size && output.pos < output.size)) return out;
  }
}

inline Decoded decode(config::Coding coding, std::string_view in) {
  switch (coding) {
    case config::Coding::kZstd:
      return unzstd(in);
    case config::Coding::kBrotli:
      return unbrotli(in);
    case config::Coding::kGzip:
      return gunzip(in);
  }
  return {};
}

}  // namespace sluice::testing
