#include "content/record_lines.h"

#include <algorithm>
#include <exception>

#include "log/record_json.h"

namespace sluice::content {

void RecordLines::begin(std::vector<relay::FileRange> ranges, log::PartitionViewPtr view) {
  ranges_ = std::move(ranges);
  view_ = std::move(view);
  at_ = 0;
}

bool RecordLines::more(std::string& out, std::size_t most) {
  log::Record record;
  while (out.size() < most) {
    if (in_batch_ && records_.next(record)) {
      if (record.offset >= first_offset_) add_line(record, out);
      continue;
    }
    if (in_batch_ && records_.failed()) {
      why_ = records_.failure();
      return false;
    }
    in_batch_ = false;
    if (batches_ == nullptr) {
      if (done()) return true;
      const relay::FileRange& range = ranges_[at_];
      batches_ =
          std::make_unique<log::BatchReader>(range.file->fd(), "", range.offset, range.offset + range.length);
    }
    if (!begin_batch()) return false;
  }
  return true;
}

// The next batch, or the end of a range.
bool RecordLines::begin_batch() {
  try {
    switch (batches_->next()) {
      case log::Scan::kBatch:
        break;
      case log::Scan::kEnd:
        if (batches_->position() != ranges_[at_].offset + ranges_[at_].length) {
          why_ = "a segment became shorter";
          return false;
        }
        batches_.reset();
        records_ = {};  // its memory is that of the largest batch
        ++at_;
        return true;
      case log::Scan::kTorn:
      case log::Scan::kCorrupt:
        why_ = "a batch can't be read";
        return false;
    }
  } catch (const std::exception&) {
    why_ = "a segment can't be read";
    return false;
  }
  const log::BatchHead& head = batches_->head();
  if (head.control() || given_up(head)) return true;
  records_.begin(head, batches_->bytes());
  in_batch_ = true;
  return true;
}

bool RecordLines::given_up(const log::BatchHead& head) const noexcept {
  if (!head.transactional() || view_ == nullptr) return false;
  const auto& all = view_->aborted;  // by last offset
  auto each = std::partition_point(all.begin(), all.end(), [&](const log::AbortedTransaction& one) {
    return one.last_offset < head.base_offset;
  });
  return std::any_of(each, all.end(), [&](const log::AbortedTransaction& one) {
    return one.producer_id == head.producer_id && one.first_offset <= head.base_offset;
  });
}

void RecordLines::add_line(const log::Record& record, std::string& out) const {
  if (format_ == LogFormat::kText) {
    if (record.value) out.append(*record.value);
    out.push_back('\n');
    return;
  }
  log::append_json(out, record);
  out.push_back('\n');
}

}  // namespace sluice::content
