#include "log/index_check.h"

#include "base/big_endian.h"
#include "log/checkpoints.h"

namespace sluice::log {

namespace {

bool zeros(std::string_view bytes) noexcept {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

const char* IndexCheck::Entries::first() const noexcept {
  const std::string_view rest = std::string_view(text).substr(at);
  return rest.size() < width || zeros(rest.substr(0, width)) ? nullptr : rest.data();
}

IndexCheck::IndexCheck(const std::string& directory, std::int64_t base_offset, Tell tell)
    : base_offset_(base_offset), tell_(std::move(tell)) {
  read(directory, offsets_);
  read(directory, times_);
}

void IndexCheck::read(const std::string& directory, Entries& entries) {
  if (auto text = read_text(path_of(directory, base_offset_, entries.kind))) {
    entries.text = std::move(*text);
  } else {
    wrong(entries, "missing");
  }
}

void IndexCheck::wrong(const Entries& entries, std::string what) {
  tell_(entries.kind, entries.at, std::move(what));
}

std::optional<IndexCheck::OffsetEntry> IndexCheck::first_offset() const noexcept {
  const char* const entry = offsets_.first();
  if (entry == nullptr) return std::nullopt;
  return OffsetEntry{.offset = base_offset_ + load_big_endian<std::int32_t>(entry),
                     .position = load_big_endian<std::uint32_t>(entry + 4)};
}

std::optional<IndexCheck::TimeEntry> IndexCheck::first_time() const noexcept {
  const char* const entry = times_.first();
  if (entry == nullptr) return std::nullopt;
  return TimeEntry{.timestamp = load_big_endian<std::int64_t>(entry),
                   .offset = base_offset_ + load_big_endian<std::int32_t>(entry + 8)};
}

void IndexCheck::pass(const BatchHead& head, std::uint64_t position) {
  for (auto entry = first_offset(); entry && entry->position <= position; entry = first_offset())
    take_offset(&head, position);
  for (auto entry = first_time(); entry && entry->offset < head.base_offset; entry = first_time())
    take_time();
  youngest_ = std::max(youngest_, head.max_timestamp);
}

void IndexCheck::end(std::int64_t next_offset) {
  constexpr const char* kBeyond = "leads beyond the end of the log";
  while (first_offset() && first_offset()->offset < next_offset) take_offset(nullptr, 0);
  if (first_offset()) wrong(offsets_, kBeyond);
  while (first_time() && first_time()->offset < next_offset) take_time();
  if (first_time()) wrong(times_, kBeyond);
  for (const Entries* const entries : {&offsets_, &times_})
    if (entries->first() == nullptr && !zeros(std::string_view(entries->text).substr(entries->at)))
      wrong(*entries, "bytes behind the last entry");
}

void IndexCheck::take_offset(const BatchHead* batch, std::uint64_t position) {
  const OffsetEntry entry = *first_offset();
  const std::string told =
      "offset " + std::to_string(entry.offset) + " at " + std::to_string(entry.position) + ": ";
  if (entry.offset <= last_offset_.offset || entry.position <= last_offset_.position) {
    wrong(offsets_, told + "does not ascend");
  } else if (batch == nullptr || entry.position != position) {
    wrong(offsets_, told + "no batch begins there");
  } else if (entry.offset < batch->last_offset()) {
    wrong(offsets_, told + "the batch there ends at " + std::to_string(batch->last_offset()));
  }
  last_offset_ = entry;
  offsets_.at += offsets_.width;
}

void IndexCheck::take_time() {
  const TimeEntry entry = *first_time();
  const std::string told =
      "timestamp " + std::to_string(entry.timestamp) + " up to " + std::to_string(entry.offset);
  if (entry.timestamp <= last_time_.timestamp || entry.offset < last_time_.offset) {
    wrong(times_, told + ": does not ascend");
  } else if (entry.timestamp != youngest_) {
    wrong(times_, told + ": the largest is " + std::to_string(youngest_));
  }
  last_time_ = entry;
  times_.at += times_.width;
}

}  // namespace sluice::log
