// A plain file that is sent while it grows: what is there, then what is added, until it gets another name or none.
//
//   ?follow             from its beginning
//   ?follow&offset=N    from byte N: to go on where an earlier response stopped
//   ?follow&tail=N      at most the last N bytes, from the beginning of a line on, as `tail -f` shows them
//
// Replaced   renamed, deleted, or its name taken by another file (log rotation): what is written to it within a second
//            still follows, and then the body ends. Whoever asks again gets the file that has the name now.
// Cut        the file became shorter than what was sent of it. One that is truncated and grows beyond that again before
//            it is looked at can't be told from one that only grew.
// Links      a symbolic link that is led elsewhere is not noticed, and one of several hard links counts as the name.
// Thread     the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "content/file_watches.h"
#include "content/growing_body.h"

namespace sluice::content {

struct Follow {
  bool wanted = false;
  std::uint64_t offset = 0;  // bytes
  bool has_tail = false;
  std::uint64_t tail = 0;
  std::string_view wrong;  // the parameter that could not be read; empty: none
};
// Other parameters are the page's own affair.
Follow follow_in(std::string_view path_and_query) noexcept;

class FollowedFile final : public GrowingBody, private WatchedFile::Follower, private loop::Deadline {
 public:
  FollowedFile(FileWatches& watches, std::shared_ptr<WatchedFile> file, const Follow& from);

  Growth next(relay::Body& pieces) override;
  [[nodiscard]] bool follows() const noexcept override { return true; }

 private:
  void on_file() override { tell(); }
  void on_deadline() override;
  Growth find_line();

  FileWatches& watches_;
  const std::shared_ptr<WatchedFile> file_;
  std::uint64_t offset_;  // what was given out ends here
  const unsigned names_lost_before_;
  bool at_line_ = true;  // `offset_` need not be moved to the beginning of a line
  bool over_ = false;
  loop::Ticket ticket_;
};

}  // namespace sluice::content
