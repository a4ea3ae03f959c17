// GET and HEAD on files below one root: index files, conditions, ranges.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <string_view>

#include "config/config.h"
#include "content/followed_file.h"
#include "content/open_files.h"
#include "http/head.h"
#include "relay/body.h"

namespace sluice::content {

// A response that is ready to be sent: status, its own fields, and a body of pieces.
struct Answer {
  int status = 500;
  std::string fields;        // "Name: value\r\n"...; no framing, no Date, no Server
  relay::Body body;          // empty for HEAD and 304
  std::uint64_t length = 0;  // what Content-Length says (also for HEAD)
  bool has_length = true;    // false: no Content-Length at all (304)
};

class StaticFiles {
 public:
  // Throws std::runtime_error when the root can't be opened.
  StaticFiles(const config::Files& config, OpenFiles& files);
  ~StaticFiles() { files_.forget(*root_); }  // or each reload would leave its files open behind it

  // Fills `answer` and returns true, or returns false: a look-up went off the loop, and `ready` is called
  // later, unless `ticket` is dropped; then ask again.
  // `path`: http::normalise_path() of the target, "/..."; `head` still parsed.
  // 200, 206, 301 (directory without its slash), 304, 403, 404, 405 (with Allow), 412, 416 (with
  // Content-Range), 500, 503 (no descriptors).
  bool answer(const http::RequestHead& head, std::string_view path, Answer& answer, loop::Ticket& ticket,
              std::function<void()> ready);

  // For GET and HEAD of a file that is followed: the head is in `answer`, and what is sent comes from `body`; null: the
  // answer is whole. As answer() otherwise. Conditions and ranges are not looked at: what is still growing has no
  // validator, and no last byte. 200, 301, 400 (a parameter), 403, 404, 416 (an offset behind the end), 500, 503.
  bool follow(http::Method method, std::string_view target, std::string_view path, const Follow& from,
              FileWatches& watches, Answer& answer, std::unique_ptr<GrowingBody>& body, loop::Ticket& ticket,
              std::function<void()> ready);

 private:
  FindResult find(std::string_view path, std::chrono::milliseconds revalidate, loop::Ticket& ticket,
                  std::function<void()> ready);
  // What there is to say of a look-up that found no file.
  static void tell_missing(http::Method method, std::string_view target, std::string_view path,
                           const FindResult& found, Answer& answer);
  void send(const http::RequestHead& head, const OpenFile& file, Answer& answer);

  const config::Files config_;
  OpenFiles& files_;        // outlives us
  std::mt19937_64 random_;  // for boundaries
  std::shared_ptr<os::UniqueFd> root_;
};

// By the name's ending; "application/octet-stream" when unknown. Static storage.
std::string_view content_type_of(std::string_view path) noexcept;

}  // namespace sluice::content
