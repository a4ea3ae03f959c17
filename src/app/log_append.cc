#include "app/log_append.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "app/cli.h"
#include "config/size.h"
#include "log/names.h"
#include "log/record.h"
#include "os/clock.h"
#include "os/input.h"

namespace sluice::app {

namespace {

constexpr std::size_t kPiece = 64_KiB;   // read at a time: as much as a pipe holds
constexpr std::size_t kRecordHead = 32;  // of a record, beside key and value: at most that much

std::int64_t milliseconds_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(os::wall_now().time_since_epoch()).count();
}

// Lines in, batches out.
class LineAppender {
 public:
  LineAppender(const LogAppend& wanted, log::Writer& writer)
      : wanted_(wanted),
        most_in_batch_(std::min(wanted.batch_bytes, wanted.writer.segment_bytes / 2)),
        longest_(std::min(wanted.line_bytes, wanted.writer.segment_bytes / 2)),
        writer_(writer),
        builder_(wanted.codec) {}

  // All whole lines of `text`, which is emptied but for the begin of one that goes on.
  void take(std::string& text) {
    const std::int64_t timestamp = milliseconds_now();
    std::string_view rest = text;
    for (std::size_t end; (end = rest.find('\n', std::exchange(searched_, 0))) != rest.npos;) {
      add(rest.substr(0, end), timestamp);
      rest.remove_prefix(end + 1);
    }
    if (rest.size() > longest_) too_long();
    searched_ = rest.size();
    text.erase(0, text.size() - rest.size());
  }

  // The last line, which nothing ends.
  void take_last(std::string_view line) {
    if (!line.empty()) add(line, milliseconds_now());
  }

  void flush() {
    if (builder_.count() == 0) return;
    const std::int32_t count = builder_.count();
    writer_.append(builder_.finish(writer_.next_offset(), writer_.leader_epoch()));
    records += static_cast<std::uint64_t>(count);
    ++batches;
  }

  // When the first line of the batch has waited long enough.
  [[nodiscard]] std::optional<std::chrono::milliseconds> longest_wait() const {
    if (builder_.count() == 0) return std::nullopt;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_ - os::now());
    return std::max(left, std::chrono::milliseconds(0));
  }

  std::uint64_t records = 0, batches = 0;  // written

 private:
  void add(std::string_view line, std::int64_t timestamp) {
    if (line.size() > longest_) too_long();
    if (builder_.count() != 0 && builder_.size() + line.size() + kRecordHead > most_in_batch_) flush();
    if (builder_.count() == 0) due_ = os::now() + wanted_.linger;
    std::optional<std::string_view> key;
    std::string_view value = line;
    if (!wanted_.key_separator.empty()) {
      if (const std::size_t at = line.find(wanted_.key_separator); at != line.npos) {
        key = line.substr(0, at);
        value = line.substr(at + wanted_.key_separator.size());
      }
    }
    builder_.add(timestamp, key, value);
    ++lines_;
  }

  [[noreturn]] void too_long() {
    flush();
    throw std::runtime_error("line " + std::to_string(lines_ + 1) + " is longer than " +
                             config::size_text(longest_));
  }

  const LogAppend& wanted_;
  const std::uint64_t most_in_batch_, longest_;
  log::Writer& writer_;
  log::BatchBuilder builder_;
  os::Time due_{};
  std::uint64_t lines_ = 0;   // whole ones
  std::size_t searched_ = 0;  // of what goes on: no line end in it
};

// How much of a line was there when a signal came.
std::size_t read_to_the_end(LineAppender& appender, int input, int signals) {
  std::string text;
  for (;;) {
    const os::Input found = os::wait_for_input(input, signals, appender.longest_wait());
    if (found == os::Input::kSignal) {
      appender.flush();
      return text.size();
    }
    if (found == os::Input::kReadable) {
      const std::size_t before = text.size();
      text.resize(before + kPiece);
      const os::IoResult read = os::read_some(input, std::span(text).subspan(before));
      text.resize(before + read.bytes);
      if (!read.ok()) {
        appender.flush();
        throw std::runtime_error("standard input: " + std::generic_category().message(read.error));
      }
      if (read.bytes == 0) {
        appender.take_last(text);
        appender.flush();
        return 0;
      }
      appender.take(text);
    }
    if (const auto left = appender.longest_wait(); left && left->count() == 0) appender.flush();
  }
}

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

}  // namespace

int append_lines(const LogAppend& wanted, int input, std::ostream& err) {
  const os::UniqueFd signals = os::catch_end_signals();
  const std::string partition = log::directory_of(wanted.topic, wanted.partition);
  std::optional<log::Writer> writer;
  try {
    writer.emplace(wanted.directory, wanted.topic, wanted.partition, wanted.writer);
  } catch (const std::exception& e) {
    err << "sluice: " << e.what() << '\n';
    return kExitRuntime;
  }
  if (const log::Recovered& recovered = writer->recovered();
      recovered.cut != 0 || recovered.indexes_rebuilt) {
    err << "sluice: " << partition << ": mended: " << counted(recovered.cut, "byte", "bytes")
        << " behind the last whole batch cut off" << (recovered.indexes_rebuilt ? ", indexes made anew" : "")
        << '\n';
  }
  const std::int64_t first = writer->next_offset();
  LineAppender appender(wanted, *writer);
  std::size_t unfinished = 0;
  std::string error;
  try {
    unfinished = read_to_the_end(appender, input, signals.get());
    if (wanted.writer.fsync_every != 0) writer->sync();
  } catch (const std::exception& e) {
    error = e.what();
  }
  err << "sluice: " << partition << ": " << counted(appender.records, "record", "records") << " in "
      << counted(appender.batches, "batch", "batches");
  if (appender.records != 0) err << ", offsets " << first << " to " << writer->next_offset() - 1;
  err << '\n';
  if (unfinished != 0)
    err << "sluice: the last line had no end yet: " << counted(unfinished, "byte", "bytes") << " left out\n";
  if (error.empty()) return kExitOk;
  err << "sluice: " << error << "; nothing is written from line " << appender.records + 1 << " on\n";
  return kExitRuntime;
}

}  // namespace sluice::app
