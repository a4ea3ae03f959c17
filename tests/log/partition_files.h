// A partition's files, written as a broker writes them, a piece at a time.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/big_endian.h"
#include "log/batch.h"
#include "log/names.h"
#include "log/uuid.h"
#include "log/view.h"

namespace sluice::log {

template <typename T>
std::string big_endian(T value) {
  std::string out(sizeof value, '\0');
  store_big_endian(out.data(), value);
  return out;
}

inline std::string index_entry(std::int32_t offset, std::int32_t position) {
  return big_endian(offset) + big_endian(position);
}

inline std::string transaction_index_entry(const AbortedTransaction& t) {
  return big_endian(std::int16_t{0}) + big_endian(t.producer_id) + big_endian(t.first_offset) +
         big_endian(t.last_offset) + big_endian(t.last_stable);
}

struct OpenTransaction {
  std::int64_t producer_id, first_offset;  // -1: none is open
};

inline std::string snapshot_of(const std::vector<OpenTransaction>& producers) {
  std::string body = big_endian(static_cast<std::int32_t>(producers.size()));
  for (const OpenTransaction& each : producers) {
    body += big_endian(each.producer_id) + std::string(2 + 4 + 8 + 4 + 8 + 4, '\0') +
            big_endian(each.first_offset);
  }
  return big_endian(std::int16_t{1}) + big_endian(crc32c(body)) + body;
}

class PartitionFiles {
 public:
  PartitionFiles(const std::filesystem::path& log_directory, std::string_view topic, std::int32_t index)
      : path_(log_directory / directory_of(topic, index)) {
    std::filesystem::create_directory(path_);
  }

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string file(std::int64_t base, FileKind kind = FileKind::kLog) const {
    return path_of(path_.string(), base, kind);
  }
  [[nodiscard]] std::uint64_t size(std::int64_t base) const { return std::filesystem::file_size(file(base)); }

  // With one write(2). These throw where a check of the test's would not do in a thread of its own.
  void append(std::int64_t base, std::string_view bytes, FileKind kind = FileKind::kLog) const {
    std::ofstream out(file(base, kind), std::ios::binary | std::ios::app);
    out.rdbuf()->pubsetbuf(nullptr, 0);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.good()) throw std::runtime_error(path() + ": could not be written");
  }
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  // Over what stands there, without making the file longer or shorter than it gets.
  void write_at(std::int64_t base, std::uint64_t position, std::string_view bytes) const {
    std::fstream out(file(base), std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(position));
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.good()) throw std::runtime_error(path() + ": could not be written");
  }
  void resize(std::int64_t base, std::uint64_t size) const { std::filesystem::resize_file(file(base), size); }
  void set_id(unsigned char byte) const {
    Uuid id{};
    id.fill(byte);
    write("partition.metadata.tmp", "version: 0\ntopic_id: " + uuid_text(id));
    std::filesystem::rename(path_ / "partition.metadata.tmp", path_ / "partition.metadata");
  }

 private:
  std::filesystem::path path_;
};

}  // namespace sluice::log
