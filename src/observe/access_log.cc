#include "observe/access_log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "os/process.h"

namespace sluice::observe {

namespace {

// The queue's slots are made in advance and hold batches, of about a hundred lines under load; a line a slot
// would cost 25 MB. Those that are not for batches belong to reopen().
constexpr std::size_t kBatches = 1024;
constexpr std::size_t kSlots = kBatches + 8;

// Writes each message as it is: a batch of lines, or an empty one that asks to look at `reopen`. On the
// writer's thread, apart from the counts.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  LineSink(std::string name, std::unique_ptr<LineStore> store)
      : name_(std::move(name)), store_(std::move(store)) {}

  std::atomic<std::size_t> lines{0}, batches{0};  // on their way
  std::atomic<bool> reopen{false};
  std::atomic<std::uint64_t> lost{0};  // lines

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (reopen.exchange(false)) open_again();
    const std::string_view text(message.payload.data(), message.payload.size());
    if (text.empty()) return;
    const auto count = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    const LineStore::Outcome outcome = store_->write(text, count);
    outcome.error.empty() ? worked() : failed(outcome);
    lines.fetch_sub(count);
    batches.fetch_sub(1);
  }
  void flush_() override {}  // nothing is held back

 private:
  void failed(const LineStore::Outcome& outcome) {
    lost.fetch_add(outcome.lost);
    lost_in_a_row_ += outcome.lost;
    failed_at_ = os::now();
    if (!std::exchange(failing_, true))
      spdlog::error("access log {}: {}; lines are lost", name_, outcome.error);
  }

  // Not said at the first success: on a disk that is nearly full one batch fits and the next does not.
  void worked() {
    if (!failing_ || os::now() - failed_at_ < std::chrono::seconds(1)) return;
    spdlog::info("access log {}: written again; {} lines were lost", name_, lost_in_a_row_);
    failing_ = false;
    lost_in_a_row_ = 0;
  }

  void open_again() {
    if (const std::string error = store_->reopen(); !error.empty())
      spdlog::error("access log {}: can't be opened again: {}; the old file goes on", name_, error);
  }

  const std::string name_;
  const std::unique_ptr<LineStore> store_;
  bool failing_ = false;
  os::Time failed_at_{};
  std::uint64_t lost_in_a_row_ = 0;
};

}  // namespace

struct AccessLog::Impl {
  Impl(std::string name, std::unique_ptr<LineStore> store, std::size_t queue_lines)
      : most_lines(queue_lines),
        sink(std::make_shared<LineSink>(std::move(name), std::move(store))),
        pool(std::make_shared<spdlog::details::thread_pool>(kSlots, 1,
                                                            [] { os::block_signals_in_this_thread(); })),
        // Never reached, as submit() counts; but if it were, a worker must not wait.
        logger(std::make_shared<spdlog::async_logger>("access", sink, pool,
                                                      spdlog::async_overflow_policy::overrun_oldest)) {}
  // The pool first: it writes what waits and ends its thread while sink and logger are still there, so that
  // neither dies on that thread.
  ~Impl() { pool.reset(); }

  const std::size_t most_lines;
  const std::shared_ptr<LineSink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  const std::shared_ptr<spdlog::async_logger> logger;
};

AccessLog::AccessLog(const std::string& file, std::size_t queue_lines)
    : AccessLog(file, lines_in_file(file), queue_lines) {}

AccessLog::AccessLog(std::string name, std::unique_ptr<LineStore> store, std::size_t queue_lines)
    : impl_(std::make_unique<Impl>(std::move(name), std::move(store), queue_lines)) {}

AccessLog::~AccessLog() = default;

bool AccessLog::submit(std::string&& text, std::size_t lines) {
  LineSink& sink = *impl_->sink;
  // Counted before it is queued, so that the workers together stay within the bound.
  const bool fits = sink.lines.fetch_add(lines) + lines <= impl_->most_lines;
  const bool slot = sink.batches.fetch_add(1) < kBatches;
  if (fits && slot) {
    try {
      impl_->logger->log(spdlog::level::info, spdlog::string_view_t(text.data(), text.size()));
      return true;
    } catch (...) {  // no memory for the copy
    }
  }
  sink.lines.fetch_sub(lines);
  sink.batches.fetch_sub(1);
  return false;
}

void AccessLog::reopen() {
  // Left to the writer's thread: opening may wait for a disk. One request is as good as many.
  if (impl_->sink->reopen.exchange(true)) return;
  impl_->logger->log(spdlog::level::info, spdlog::string_view_t());
}

std::uint64_t AccessLog::take_lost() noexcept { return impl_->sink->lost.exchange(0); }

}  // namespace sluice::observe
