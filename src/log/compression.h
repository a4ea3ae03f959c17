// The codecs of record batches, each by its library: zlib, snappy, lz4 (frame format), zstd.
//
// Errors    false and `why` for input that can't be decompressed or grows beyond `limit`; compress() throws
//           std::runtime_error when a library fails. Thread: any.
// Source    RFC 1952; xerial's framing of snappy as Kafka's Java clients write it, and bare snappy blocks; the LZ4 frame
//           format (magic 0 and 1 batches have a header checksum of their own, which is not checked); RFC 8878.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "log/batch.h"

namespace sluice::log {

bool decompress(Codec codec, std::string_view in, std::size_t limit, std::string& out, std::string_view& why);
std::string compress(Codec codec, std::string_view in);

std::string_view name_of(Codec codec) noexcept;  // "none", "gzip", "snappy", "lz4", "zstd"; "unknown" for others
std::optional<Codec> codec_named(std::string_view name) noexcept;

}  // namespace sluice::log
