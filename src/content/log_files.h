// GET and HEAD on the logs of a directory:
//
//   /                      the topics, as JSON: {"topics":[{"name":"t","partitions":[{"partition":0,"start":0,...}]}]}
//   /TOPIC                 one of them
//   /TOPIC/PARTITION       records; see LogQuery
//
// Of a partition every answer tells X-Log-Start (the first offset there is), X-Log-End (the next one to be written) and
// X-Last-Stable (the first that is not committed); X-Next-Offset is where the next request goes on, unless this one
// follows. Batches are those that hold the wanted records: the first one may begin below the offset asked for.
// Thread    the worker's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "content/growing_body.h"
#include "content/log_query.h"
#include "content/partition_body.h"
#include "content/static_files.h"

namespace sluice::content {

class LogFiles {
 public:
  explicit LogFiles(const LogMeans& means) noexcept : means_(means) {}

  // Fills `answer`, and `body` where that comes bit by bit, and returns true; or false: a look-up went off the loop, and
  // `ready` is called later, unless `ticket` is dropped; then ask again. `path`: below the handler's.
  // 200, 400 (names the parameter), 404, 405, 416 (the offset is not in the log), 500, 503 (too much waits already).
  bool answer(http::Method method, std::string_view path, std::string_view query, Answer& answer,
              std::unique_ptr<GrowingBody>& body, loop::Ticket& ticket, std::function<void()> ready);

 private:
  bool answer_partition(log::Partition& partition, const LogQuery& query, Answer& answer,
                        std::unique_ptr<GrowingBody>& body, loop::Ticket& ticket,
                        std::function<void()> ready);

  const LogMeans means_;
};

}  // namespace sluice::content
