// One partition's directory, looked at again and again: a view is made when something has changed, and what was appended is
// read from where the log ended the last time, heads only.
//
// The first look finds each segment's end, from its last index entry on. Which transactions are open is found out from the
// newest producer snapshot on, or without one from the last segment's begin; that may be much to read, so it is done a piece
// at a time, and the last stable offset stands before what is still to be read. When the last segment was cut, or written
// anew, everything is found out anew.
// Files     are opened for a look and closed after it.
// Errors    values: see Looked.
// Thread    one; blocks on cold pages: off the loop only.
// Source    Apache Kafka's LogLoader and ProducerStateManager.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "log/names.h"
#include "log/segment_scan.h"
#include "log/transactions.h"
#include "log/view.h"

namespace sluice::log {

struct Looked {
  bool changed = false;  // view() or topic_id() is another one than before
  int error = 0;  // errno of what could not be read: view() is the one before. ENOENT: it went meanwhile
};

class PartitionScan {
 public:
  // `path`: of the directory. `clean`: whoever wrote it has said that it stopped in order, so that what stands behind the
  // index entries is right without a check.
  PartitionScan(std::string path, const PartitionName& name, bool clean = false);

  // At everything: which segments there are, and what is in them.
  Looked look();
  // Whether the last segment has grown; more only where that shows more.
  Looked look_for_growth();
  // Whether there is a part of the log whose transactions are not known yet; and going on with it, for so many batches.
  [[nodiscard]] bool behind() const noexcept { return !segments_.empty() && tracked_ < end_.offset; }
  Looked catch_up(std::size_t batches);
  // Records below it are gone. true: view() is another one.
  bool set_log_start(std::int64_t offset);

  [[nodiscard]] const PartitionViewPtr& view() const noexcept { return view_; }  // null: there is no segment
  [[nodiscard]] const Uuid& topic_id() const noexcept { return topic_id_; }      // zero: not told
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const std::string& topic() const noexcept { return topic_; }
  [[nodiscard]] std::int32_t index() const noexcept { return index_; }

 private:
  struct Listing;
  struct Segment {
    SegmentView view;
    std::uint64_t file_size = 0;  // when its end was found
  };

  int begin(const Listing& listing);
  int go_on(const Listing& listing);
  int measure(Segment& segment, ValidEnd& end, Check check) const;
  int grow();
  int append_segment(std::int64_t base_offset);
  void load_transactions(const Listing& listing);
  int read_transactions(std::size_t batches);
  void track(const SegmentFile& file, std::uint64_t position, const BatchHead& head);
  static void set_end(Segment& segment, const ValidEnd& end, const SegmentFile& file);
  bool make_view();

  const std::string path_, topic_;
  const std::int32_t index_;
  bool clean_;
  Uuid topic_id_{};
  std::int64_t log_start_ = 0;     // as told
  std::vector<Segment> segments_;  // none: all is to be found out
  ValidEnd end_;                   // of the last one
  Transactions transactions_;
  std::int64_t tracked_ = 0;     // the offset up to which transactions_ is right
  ValidEnd walk_;                // while behind(): where to go on
  std::int64_t walk_base_ = -1;  // ... in which segment; -1: to be looked for
  std::uint64_t walk_inode_ = 0;
  PartitionViewPtr view_;
};

}  // namespace sluice::log
