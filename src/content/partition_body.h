// A partition of a log as a response's body: its batches as they are stored, or its records as lines. Followed, it goes
// on with what is appended.
//
// What is given out is whole batches, for the relay to send from the segments; lines are made by the offload threads, a
// step at a time. A follower that stands still holds nothing but its offset.
// Cut       records were taken away that had not been sent: by retention, a truncation, or with their topic.
// Lifetime  the catalog, the reader and the pool outlive it.
// Thread    the loop's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "content/growing_body.h"
#include "content/log_query.h"
#include "content/record_lines.h"
#include "log/catalog.h"
#include "log/reader.h"
#include "loop/offload.h"

namespace sluice::content {

// One worker's way to the logs of a directory, and to threads.
struct LogMeans {
  log::Catalog& catalog;
  log::Reader& reader;
  loop::EventLoop& loop;
  loop::Offload& offload;
};

class PartitionBody final : public GrowingBody, private log::Interest {
 public:
  // `first`: where it begins, and what to send first. Unless `query.follow`, that is all.
  PartitionBody(const LogMeans& means, log::Partition& partition, const LogQuery& query, std::int64_t from,
                log::Slice first);

  Growth next(relay::Body& pieces) override;
  [[nodiscard]] bool follows() const noexcept override { return follow_; }

 private:
  void on_change() override;
  Growth find();
  Growth give(relay::Body& pieces);
  Growth make_lines(relay::Body& pieces);

  const LogMeans means_;
  log::Partition& partition_;
  const std::string name_;
  const LogFormat format_;
  const bool follow_;
  std::int64_t next_;  // behind what was given out, or is in ranges_
  std::int64_t end_;   // of what may be shown, as it was last
  std::vector<relay::FileRange> ranges_;
  loop::Ticket ticket_;
  struct Work {  // shared with the thread that has it; one of us at a time
    RecordLines lines;
    std::string text;
    bool failed = false;
  };
  std::shared_ptr<Work> work_;  // null for batches
};

// Records at and above it are not committed yet, or not there: what this format may show ends here.
std::int64_t visible_end(const log::PartitionView& view, LogFormat format) noexcept;

}  // namespace sluice::content
