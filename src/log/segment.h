// Looking for batches in one segment: by its index, then from head to head.
//
// Pure functions of bytes, so that they know neither loop nor cache; whoever gives mapped bytes calls them under
// os::guarded().
// Units     positions: bytes from the segment's beginning.
// Cost      no allocation; a binary search in the index and the heads of what one index entry stands for.
// Errors    values: see Look. Nothing is read behind the end of `log`.
// Thread    any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "log/batch.h"
#include "log/index.h"

namespace sluice::log {

// Whether bytes of the segment can be read without waiting for a disk.
class Pages {
 public:
  virtual bool here(std::uint64_t position, std::size_t size) = 0;

 protected:
  ~Pages() = default;
};

enum class Look : std::uint8_t {
  kFound,
  kNone,     // the segment ends before
  kCold,     // a head that is not here has to be read, at `position`
  kFar,      // too many heads to go through here: the index is too thin
  kCorrupt,  // no head stands where one should be
  kLying,    // the index points at something else than the batch it tells of
};

struct Place {
  Look look = Look::kNone;
  std::uint64_t position = 0;
  BatchHead head;  // kFound
};

struct Stretch {
  Look look = Look::kNone;
  std::uint64_t position = 0;  // kCold
  std::uint64_t end = 0;       // kFound: behind its last batch
  std::int64_t next = 0;       // kFound: the offset to go on with
};

class SegmentLookup {
 public:
  // How many heads are gone through, where there are `pages` to ask: some hundred microseconds.
  static constexpr int kMostHeads = 8192;

  // `log`: up to the end of its last whole batch. `pages` null: everything may be read, however long it takes.
  SegmentLookup(std::string_view log, std::int64_t base_offset, const OffsetIndex& index,
                Pages* pages = nullptr) noexcept
      : log_(log), base_(base_offset), index_(index), pages_(pages) {}

  // The head that stands at `position`.
  [[nodiscard]] Place at(std::uint64_t position) const noexcept;
  // The first batch that ends at or behind `offset`: the one that contains it, or the next one where there is a gap.
  [[nodiscard]] Place reaching(std::int64_t offset) const noexcept;
  // The whole batches from `start`, where one begins, that end at or before `limit` and begin below the offset `before`.
  // kNone: there are none. A place that is corrupt ends it.
  [[nodiscard]] Stretch fitting(std::uint64_t start, std::uint64_t limit, std::int64_t before) const noexcept;

 private:
  std::string_view log_;
  std::int64_t base_;
  const OffsetIndex& index_;
  Pages* pages_;
};

// Adds to `entries`, in the form of an `.index`, what it lacks of `log`, up to the first place where no batch stands.
void build_index(std::string_view log, std::int64_t base_offset, std::string& entries);

}  // namespace sluice::log
