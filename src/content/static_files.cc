#include "content/static_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "content/location.h"
#include "content/partial.h"
#include "http/conditions.h"
#include "http/ranges.h"
#include "http/status.h"
#include "os/file.h"
#include "os/shortage.h"

namespace sluice::content {

namespace {

void add_field(Answer& answer, std::string_view name, std::string_view value) {
  answer.fields.append(name).append(": ").append(value).append("\r\n");
}

// An answer without a file: a line that says what it is.
void tell(Answer& answer, http::Method method, int status, std::string_view more = {}) {
  answer.status = status;
  std::string text = std::to_string(status) + " ";
  text.append(http::reason_phrase(status)).append("\n").append(more);
  answer.length = text.size();
  add_field(answer, "Content-Type", "text/plain; charset=utf-8");
  if (method != http::Method::kHead) answer.body.emplace_back(std::move(text));
}

int status_of(const FindResult& found) {
  switch (found.found) {
    case Found::kMissing:
    case Found::kDirectory:
      return 404;
    case Found::kForbidden:
      return 403;
    case Found::kFailed:
    case Found::kFile:
    case Found::kPending:
      break;
  }
  return os::is_shortage(found.error) ? 503 : 500;
}

// The one Range field to obey; empty when there is none, or more than one, which says nothing certain.
std::string_view range_of(const http::RequestHead& head) {
  std::string_view value;
  for (const http::Field& field : head.fields()) {
    if (field.id != http::FieldId::kRange) continue;
    if (!value.empty()) return {};
    value = head.value(field);
  }
  return value;
}

std::string boundary_from(std::mt19937_64& random) {
  std::string out = "sluice-";
  for (int i = 0; i < 2; ++i) {
    std::array<char, 16> digits;
    out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), random(), 16).ptr);
  }
  return out;
}

}  // namespace

StaticFiles::StaticFiles(const config::Files& config, OpenFiles& files) : config_(config), files_(files) {
  os::FileOr root = os::open_directory(config.root);
  if (root.error != 0)
    throw std::runtime_error("files: " + config.root + ": " + std::generic_category().message(root.error));
  root_ = std::make_shared<os::UniqueFd>(std::move(root.fd));
  // Enough to keep whoever wrote a file from having guessed the boundary that its ranges are sent with.
  std::random_device entropy;
  std::seed_seq seed{entropy(), entropy(), entropy(), entropy()};
  random_.seed(seed);
}

bool StaticFiles::answer(const http::RequestHead& head, std::string_view path, Answer& answer,
                         loop::Ticket& ticket, std::function<void()> ready) {
  answer = Answer{};
  if (head.method != http::Method::kGet && head.method != http::Method::kHead) {
    tell(answer, head.method, 405);
    add_field(answer, "Allow", "GET, HEAD");
    return true;
  }

  const FindResult found = find(path, config_.revalidate, ticket, std::move(ready));
  if (found.found == Found::kPending) return false;
  if (found.found == Found::kFile) {
    send(head, *found.file, answer);
  } else {
    tell_missing(head.method, head.view(head.target), path, found, answer);
  }
  return true;
}

bool StaticFiles::follow(http::Method method, std::string_view target, std::string_view path,
                         const Follow& from, FileWatches& watches, Answer& answer,
                         std::unique_ptr<GrowingBody>& body, loop::Ticket& ticket,
                         std::function<void()> ready) {
  answer = Answer{};
  if (!from.wrong.empty()) {
    tell(answer, method, 400,
         std::string(from.wrong) + " has to be a number of bytes, and only one of offset and tail\n");
    return true;
  }
  // Not one that was replaced meanwhile: nothing would ever be added to it.
  const FindResult found = find(path, std::chrono::milliseconds(0), ticket, std::move(ready));
  if (found.found == Found::kPending) return false;
  if (found.found != Found::kFile) {
    tell_missing(method, target, path, found, answer);
    return true;
  }
  int error = 0;
  std::shared_ptr<WatchedFile> watched = watches.watch(found.file->file, error);
  if (watched == nullptr) {
    tell(answer, method, 503);
    add_field(answer, "Retry-After", "1");
    return true;
  }
  if (from.offset > watched->size()) {
    tell(answer, method, 416);
    add_field(answer, "Content-Range", "bytes */" + std::to_string(watched->size()));
    return true;
  }
  answer.status = 200;
  answer.has_length = false;
  add_field(answer, "Content-Type", found.file->content_type);
  add_field(answer, "Cache-Control", "no-store");
  body = std::make_unique<FollowedFile>(watches, std::move(watched), from);
  return true;
}

FindResult StaticFiles::find(std::string_view path, std::chrono::milliseconds revalidate,
                             loop::Ticket& ticket, std::function<void()> ready) {
  const bool directory = path.empty() || path.ends_with('/');
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));  // below the root
  std::string name;
  if (directory) {
    name.assign(path).append(config_.index);
    path = name;
  }
  return files_.find(root_, path, revalidate, ticket, std::move(ready));
}

void StaticFiles::tell_missing(http::Method method, std::string_view target, std::string_view path,
                               const FindResult& found, Answer& answer) {
  const bool directory = path.empty() || path.ends_with('/');
  if (found.found == Found::kDirectory && !directory) {
    if (const std::string location = directory_location(target); !location.empty()) {
      tell(answer, method, 301);
      add_field(answer, "Location", location);
      return;
    }
  }
  tell(answer, method, status_of(found));
}

void StaticFiles::send(const http::RequestHead& head, const OpenFile& file, Answer& answer) {
  const bool get = head.method == http::Method::kGet;
  const http::Validators validators{.etag = file.etag, .modified = file.modified};
  switch (http::evaluate_conditions(head, validators)) {
    case http::Condition::kFailed:
      tell(answer, head.method, 412);
      return;
    case http::Condition::kNotModified:
      answer.status = 304;
      answer.has_length = false;
      add_field(answer, "ETag", file.etag);
      add_field(answer, "Last-Modified", file.last_modified);
      return;
    case http::Condition::kProceed:
      break;
  }

  const std::uint64_t size = file.file->size();
  // A range is defined for GET alone. RFC 9110 section 14.2.
  const std::string_view wanted = get ? range_of(head) : std::string_view{};
  std::vector<http::Range> ranges;
  auto kind = http::RangeAnswer::kWhole;
  if (!wanted.empty() && http::range_applies(head, validators))
    kind = http::parse_ranges(wanted, size, ranges);

  switch (kind) {
    case http::RangeAnswer::kNotSatisfiable:
      tell(answer, head.method, 416);
      add_field(answer, "Content-Range", "bytes */" + std::to_string(size));
      return;
    case http::RangeAnswer::kParts: {
      const std::string boundary = ranges.size() > 1 ? boundary_from(random_) : std::string();
      Partial partial = partial_of(file, ranges, boundary);
      answer.status = 206;
      answer.fields = std::move(partial.fields);
      answer.body = std::move(partial.body);
      answer.length = partial.length;
      break;
    }
    case http::RangeAnswer::kWhole:
      answer.status = 200;
      answer.length = size;
      add_field(answer, "Content-Type", file.content_type);
      if (get && size > 0)
        answer.body.emplace_back(relay::FileRange{.file = file.file, .offset = 0, .length = size});
      break;
  }
  add_field(answer, "Last-Modified", file.last_modified);
  add_field(answer, "ETag", file.etag);
  add_field(answer, "Accept-Ranges", "bytes");
}

}  // namespace sluice::content
