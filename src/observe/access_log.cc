#include "observe/access_log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <system_error>

#include "os/append_file.h"
#include "os/process.h"

namespace sluice::observe {

namespace {

// The queue's slots are made in advance and hold batches, of about a hundred lines under load; a line a slot
// would cost 25 MB. Those that are not for batches belong to reopen().
constexpr std::size_t kBatches = 1024;
constexpr std::size_t kSlots = kBatches + 8;

os::FileOr open_log(const std::string& file) noexcept {
  return file == "-" ? os::duplicate_stdout() : os::open_append(file);
}

// Writes each message as it is: a batch of lines, or an empty one that asks to look at `reopen`. On the
// writer's thread, apart from the counts.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  LineSink(std::string file, os::UniqueFd fd) : file_(std::move(file)), fd_(std::move(fd)) {}

  std::atomic<std::size_t> lines{0}, batches{0};  // on their way
  std::atomic<bool> reopen{false};
  std::atomic<std::uint64_t> lost{0};  // lines

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (reopen.exchange(false)) open_again();
    const std::string_view text(message.payload.data(), message.payload.size());
    if (text.empty()) return;
    const auto count = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    write(text, count);
    lines.fetch_sub(count);
    batches.fetch_sub(1);
  }
  void flush_() override {}  // nothing is held back

 private:
  void write(std::string_view text, std::size_t count) {
    // A full disk may have cut a line in two: its second half is lost, the next line must not be.
    os::IoResult result;
    if (torn_) result = os::write_all(fd_.get(), "\n");
    if (!result.ok()) return failed(result.error, count);
    torn_ = false;
    result = os::write_all(fd_.get(), text);
    if (result.ok()) return worked();
    const auto written = text.substr(0, result.bytes);
    torn_ = !written.empty() && written.back() != '\n';
    failed(result.error, count - static_cast<std::size_t>(std::count(written.begin(), written.end(), '\n')));
  }

  void failed(int error, std::size_t count) {
    lost.fetch_add(count);
    lost_in_a_row_ += count;
    failed_at_ = os::now();
    if (!std::exchange(failing_, true))
      spdlog::error("access log {}: {}; lines are lost", file_, std::generic_category().message(error));
  }

  // Not said at the first success: on a disk that is nearly full one batch fits and the next does not.
  void worked() {
    if (!failing_ || os::now() - failed_at_ < std::chrono::seconds(1)) return;
    spdlog::info("access log {}: written again; {} lines were lost", file_, lost_in_a_row_);
    failing_ = false;
    lost_in_a_row_ = 0;
  }

  void open_again() {
    os::FileOr opened = open_log(file_);
    if (opened.error != 0) {
      spdlog::error("access log {}: can't be opened again: {}; the old file goes on", file_,
                    std::generic_category().message(opened.error));
      return;
    }
    fd_ = std::move(opened.fd);
    torn_ = false;
  }

  const std::string file_;
  os::UniqueFd fd_;
  bool torn_ = false;
  bool failing_ = false;
  os::Time failed_at_{};
  std::uint64_t lost_in_a_row_ = 0;
};

}  // namespace

struct AccessLog::Impl {
  Impl(const std::string& file, os::UniqueFd fd, std::size_t queue_lines)
      : most_lines(queue_lines),
        sink(std::make_shared<LineSink>(file, std::move(fd))),
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

AccessLog::AccessLog(const std::string& file, std::size_t queue_lines) {
  os::FileOr opened = open_log(file);
  if (opened.error != 0)
    throw std::runtime_error("access log " + file + ": " + std::generic_category().message(opened.error));
  impl_ = std::make_unique<Impl>(file, std::move(opened.fd), queue_lines);
}

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
