#include "content/followed_file.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <vector>

#include "base/bytes.h"
#include "http/query.h"
#include "os/file.h"

namespace sluice::content {

namespace {

// Whoever rotates a log renames it first, and tells its writer then.
constexpr std::chrono::seconds kLastWords{1};
// A longer line is begun in its middle.
constexpr std::uint64_t kLongestLine = 64_KiB;

bool read_number(std::string_view text, std::uint64_t& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// How far behind `from` the first line begins; 0 where none does within reach. Blocks.
std::uint64_t to_next_line(const relay::File& file, std::uint64_t from) {
  std::vector<char> text(kLongestLine);
  std::uint64_t seen = 0;
  while (seen < text.size()) {
    const os::IoResult got = os::read_at(file.fd(), std::span(text).subspan(seen), from - 1 + seen);
    if (!got.ok() || got.bytes == 0) break;
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(seen);
    const auto end = begin + static_cast<std::ptrdiff_t>(got.bytes);
    if (const auto found = std::find(begin, end, '\n'); found != end)
      return static_cast<std::uint64_t>(found - text.begin());
    seen += got.bytes;
  }
  return 0;
}

}  // namespace

Follow follow_in(std::string_view path_and_query) noexcept {
  Follow out;
  bool has_offset = false;
  http::for_each_parameter(http::query_of(path_and_query),
                           [&](std::string_view name, std::string_view value) {
                             if (name == "follow") out.wanted = http::is_on(value);
                             if (name == "offset") has_offset = true;
                             if (name == "tail") out.has_tail = true;
                             if ((name == "offset" && !read_number(value, out.offset)) ||
                                 (name == "tail" && !read_number(value, out.tail)))
                               out.wrong = name;
                             return true;
                           });
  if (has_offset && out.has_tail && out.wrong.empty()) out.wrong = "tail";  // they say different things
  return out;
}

FollowedFile::FollowedFile(FileWatches& watches, std::shared_ptr<WatchedFile> file, const Follow& from)
    : watches_(watches),
      file_(std::move(file)),
      offset_(from.offset),
      names_lost_before_(file_->names_lost()) {
  file_->add(*this);
  if (!from.has_tail) return;
  offset_ = file_->size() - std::min(file_->size(), from.tail);
  at_line_ = offset_ == 0 || from.tail == 0;
}

Growth FollowedFile::next(relay::Body& pieces) {
  if (ticket_.pending()) return Growth::kPending;
  if (!at_line_) return find_line();
  const std::uint64_t size = file_->size();
  if (size < offset_) return Growth::kCut;
  const bool replaced = file_->names_lost() != names_lost_before_ || !file_->has_name();
  if (size > offset_) {
    pieces.emplace_back(relay::FileRange{.file = file_->file(), .offset = offset_, .length = size - offset_});
    offset_ = size;
    cancel();
    return Growth::kPieces;
  }
  if (over_) return Growth::kEnd;
  if (replaced && !armed()) watches_.loop.deadlines().set(*this, watches_.loop.now() + kLastWords);
  return Growth::kQuiet;
}

void FollowedFile::on_deadline() {
  over_ = true;
  tell();
}

Growth FollowedFile::find_line() {
  const auto skip = std::make_shared<std::uint64_t>(0);
  const bool queued = watches_.offload.run(
      watches_.loop, ticket_,
      [file = file_->file(), from = offset_, skip] { *skip = to_next_line(*file, from); },
      [this, skip] {
        ticket_.drop();
        offset_ += *skip;
        at_line_ = true;
        tell();
      });
  return queued ? Growth::kPending : Growth::kFailed;
}

}  // namespace sluice::content
