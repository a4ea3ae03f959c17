// Records as lines of text: the value of each, or a JSON object. Works on stored batches, a bounded step at a time.
//
//   text   the value and a line end; of a record without a value (null) only that
//   json   an object: see log/record_json.h
//
// Left out   records below the first offset asked for, control records, and those of transactions that were given up.
// Memory     the stored bytes of one batch, what they are decompressed to, and one step's text.
// Thread     any, one at a time. more() blocks: off the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "content/log_query.h"
#include "log/batch_reader.h"
#include "log/record.h"
#include "log/view.h"
#include "relay/body.h"

namespace sluice::content {

class RecordLines {
 public:
  RecordLines(LogFormat format, std::int64_t first_offset) noexcept
      : format_(format), first_offset_(first_offset) {}

  // What to go on with, when done(). `ranges`: whole batches; `view`: tells which transactions were given up.
  void begin(std::vector<relay::FileRange> ranges, log::PartitionViewPtr view);
  [[nodiscard]] bool done() const noexcept { return at_ == ranges_.size(); }

  // Appends lines until `out` has `most` bytes, or done(). False: a batch can't be read, and why() says so.
  bool more(std::string& out, std::size_t most);
  [[nodiscard]] std::string_view why() const noexcept { return why_; }

 private:
  bool begin_batch();
  [[nodiscard]] bool given_up(const log::BatchHead& head) const noexcept;
  void add_line(const log::Record& record, std::string& out) const;

  const LogFormat format_;
  const std::int64_t first_offset_;
  std::vector<relay::FileRange> ranges_;
  std::size_t at_ = 0;  // the range under way
  log::PartitionViewPtr view_;
  std::unique_ptr<log::BatchReader> batches_;  // of it
  log::RecordReader records_;
  bool in_batch_ = false;
  std::string_view why_;
};

}  // namespace sluice::content
