// Appends record batches to one partition's directory: rolls segments, writes both indexes, mends a torn end.
//
// One writer a directory at a time: it holds a lock (flock(2) on `.lock` in the partition's directory).
// A batch is written with one call, so that a reader sees it whole or torn, never mixed; indexes are written behind it.
// Errors    the constructor and the calls throw std::runtime_error with the file's name and errno's text. After an error of
//           append() the batch is not in the log: the file is cut back, and the writer may go on.
// Thread    one.
// Source    the layout that Kafka's brokers write: index entries every 4 KiB of log, a last time index entry on a roll.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/topic_name.h"
#include "log/batch.h"
#include "log/recover.h"

namespace sluice::log {

struct WriterOptions {
  std::uint64_t segment_bytes = 1_GiB;       // a new segment before this is passed; below 2 GiB
  std::chrono::milliseconds segment_age{0};  // ... or when its first record is this old; 0: never
  std::uint64_t index_interval = 4_KiB;
  std::uint64_t fsync_every = 0;   // batches; 0: when the kernel likes, and at the end of a segment
  std::uint64_t retain_bytes = 0;  // oldest segments go when the partition is larger; 0: none
};

class Writer {
 public:
  // Makes the directory where it is missing, with a partition.metadata of a new id (shared by the topic's partitions).
  Writer(const std::string& log_directory, const std::string& topic, std::int32_t partition,
         WriterOptions options = {});
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  [[nodiscard]] const Recovered& recovered() const noexcept;
  [[nodiscard]] std::int64_t next_offset() const noexcept;
  [[nodiscard]] std::int32_t leader_epoch() const noexcept;
  // A batch of BatchBuilder::finish(next_offset(), leader_epoch()). Of no more than `segment_bytes`.
  void append(std::string_view batch);
  void sync();  // all that was appended has reached the disk

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::log
