#include "app/access_log.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "base/bytes.h"
#include "log/names.h"
#include "log/partition_directory.h"
#include "log/record.h"
#include "log/writer.h"
#include "os/clock.h"

namespace sluice::app {

namespace {

// Lines as the values of records, a batch for each hand-over.
class LineTopic final : public observe::LineStore {
 public:
  // `user`: who is going to write; "": who makes it.
  LineTopic(const config::AccessLog& log, const std::string& user)
      : writer_(log.directory, log.topic, 0, options(log.retain)) {
    if (!user.empty()) log::give_partition(log.directory + '/' + log::directory_of(log.topic, 0), user);
  }

  Outcome write(std::string_view text, std::size_t lines) override {
    try {
      const auto now = os::wall_now().time_since_epoch();
      const auto timestamp = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
      for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1))
        batch_.add(timestamp, std::nullopt, text.substr(0, end));
      writer_.append(batch_.finish(writer_.next_offset(), writer_.leader_epoch()));
      return {};
    } catch (const std::exception& e) {
      batch_ = log::BatchBuilder();
      return {.lost = lines, .error = e.what()};
    }
  }

 private:
  // Segments go as a whole: with small ones little more is kept than was asked for.
  static log::WriterOptions options(std::uint64_t retain) {
    if (retain == 0) return {};
    return {.segment_bytes = std::clamp<std::uint64_t>(retain / 8, 128_KiB, 1_GiB), .retain_bytes = retain};
  }

  log::Writer writer_;
  log::BatchBuilder batch_;
};

}  // namespace

std::shared_ptr<observe::AccessLog> open_access_log(const config::Config& config) {
  const config::AccessLog& log = config.access_log;
  if (!log.topic.empty()) {
    return std::make_shared<observe::AccessLog>(log.directory + '/' + log::directory_of(log.topic, 0),
                                                std::make_unique<LineTopic>(log, config.user), log.queue);
  }
  if (log.file.empty()) return nullptr;
  return std::make_shared<observe::AccessLog>(log.file, log.queue);
}

bool goes_on(const config::AccessLog& open, const config::AccessLog& wanted) {
  const bool same_topic =
      !open.topic.empty() && open.topic == wanted.topic && open.directory == wanted.directory;
  return open == wanted || same_topic;
}

}  // namespace sluice::app
