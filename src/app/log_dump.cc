#include "app/log_dump.h"

#include <array>
#include <chrono>
#include <ctime>
#include <vector>

#include "app/cli.h"
#include "base/big_endian.h"
#include "log/batch_reader.h"
#include "log/compression.h"
#include "log/file_error.h"
#include "log/names.h"
#include "log/partition_directory.h"
#include "log/record.h"
#include "log/record_json.h"
#include "observe/json_text.h"
#include "os/file.h"

namespace sluice::app {

namespace {

using log::BatchHead;

// Milliseconds since the epoch as a date, where calendars go that far.
std::string time_text(std::int64_t timestamp) {
  constexpr std::int64_t kYear10000 = 253'402'300'800'000;
  if (timestamp == log::kNoTimestamp) return "no time";
  if (timestamp < 0 || timestamp >= kYear10000) return std::to_string(timestamp) + " ms";
  const std::time_t seconds = timestamp / 1000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text;
  std::string out(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &utc));
  const std::string fraction = std::to_string(1000 + timestamp % 1000);
  return out.append(fraction, 1) + 'Z';
}

std::string quoted(const std::optional<std::string_view>& raw) {
  if (!raw) return "null";
  std::string out = "\"";
  observe::append_escaped(out, *raw);
  return out + '"';
}

// "commit" or "abort": what a control record's key says, i16 version and i16 type.
std::string_view marker(const log::Record& record) {
  if (!record.key || record.key->size() < 4) return "unknown marker";
  switch (load_big_endian<std::int16_t>(record.key->data() + 2)) {
    case 0:
      return "abort";
    case 1:
      return "commit";
    default:
      return "unknown marker";
  }
}

class Dump {
 public:
  Dump(const LogDump& wanted, std::ostream& out)
      : wanted_(wanted), out_(out), left_(wanted.count.value_or(UINT64_MAX)) {}

  // False: enough was shown.
  bool segment(const std::string& directory, std::int64_t base_offset) {
    file_ = log::file_of(base_offset, log::FileKind::kLog);
    const std::string path = directory + '/' + file_;
    const os::FileOr file = os::open_file(path);
    log::fail_unless_done(path, file.error);
    struct stat status {};
    int error = 0;
    if (!os::file_status(file.fd.get(), status, error)) log::fail(path, error);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    log::BatchReader batches(file.fd.get(), path, 0, size);
    log::Scan scan = log::Scan::kBatch;
    while ((scan = batches.next()) == log::Scan::kBatch) {
      if (batches.head().last_offset() < wanted_.from) continue;
      if (left_ == 0) return false;
      batch(batches);
    }
    if (scan != log::Scan::kEnd) {
      remark((scan == log::Scan::kTorn ? "torn batch of " : "no batch begins here; ") +
                 std::to_string(size - batches.position()) + " bytes left",
             batches.position());
    }
    return left_ != 0;
  }

  [[nodiscard]] bool wrong() const noexcept { return wrong_; }

 private:
  void remark(const std::string& what, std::uint64_t position) {
    wrong_ = true;
    if (wanted_.json) {
      out_ << R"({"error":)" << quoted(what) << R"(,"segment":")" << file_ << R"(","position":)" << position
           << "}\n";
    } else {
      out_ << "! " << file_ << ':' << position << ": " << what << '\n';
    }
  }

  void batch(const log::BatchReader& batches) {
    const BatchHead& head = batches.head();
    const bool right = crc_is_right(head, batches.bytes());
    if (wanted_.batches) --left_;
    if (wanted_.json && wanted_.batches) batch_json(head, batches.position(), right);
    if (!wanted_.json) batch_line(head, batches.position());
    if (!right) remark("wrong CRC", batches.position());
    if (wanted_.batches) return;
    records_.begin(head, batches.bytes());
    for (log::Record record; left_ != 0 && records_.next(record);) {
      if (record.offset < wanted_.from) continue;
      --left_;
      if (wanted_.json) {
        record_json(head, record);
      } else {
        record_line(head, record);
      }
    }
    if (records_.failed())
      remark("records can't be read: " + std::string(records_.failure()), batches.position());
  }

  void batch_line(const BatchHead& head, std::uint64_t position) {
    out_ << "batch " << head.base_offset << '-' << head.last_offset() << " at " << file_ << ':' << position
         << ", " << head.size() << " bytes, " << head.records << (head.records == 1 ? " record" : " records");
    if (head.codec() != log::Codec::kNone) out_ << ", " << log::name_of(head.codec());
    if (head.magic != 2) out_ << ", magic " << int{head.magic};
    if (head.control()) out_ << ", control";
    if (head.transactional()) out_ << ", transactional";
    if (head.producer_id != -1)
      out_ << ", producer " << head.producer_id << " epoch " << head.producer_epoch << " sequence "
           << head.base_sequence;
    if (head.leader_epoch > 0) out_ << ", leader epoch " << head.leader_epoch;
    out_ << ", " << time_text(head.max_timestamp) << (head.log_append_time() ? " (append time)" : "") << '\n';
  }

  void batch_json(const BatchHead& head, std::uint64_t position, bool right) {
    const auto word = [](bool yes) { return yes ? "true" : "false"; };
    out_ << R"({"base_offset":)" << head.base_offset << R"(,"last_offset":)" << head.last_offset()
         << R"(,"segment":")" << file_ << R"(","position":)" << position << R"(,"bytes":)" << head.size()
         << R"(,"magic":)" << int{head.magic} << R"(,"records":)" << head.records << R"(,"codec":")"
         << log::name_of(head.codec()) << R"(","base_timestamp":)" << head.base_timestamp
         << R"(,"max_timestamp":)" << head.max_timestamp << R"(,"append_time":)"
         << word(head.log_append_time()) << R"(,"leader_epoch":)" << head.leader_epoch << R"(,"producer_id":)"
         << head.producer_id << R"(,"producer_epoch":)" << head.producer_epoch << R"(,"base_sequence":)"
         << head.base_sequence << R"(,"transactional":)" << word(head.transactional()) << R"(,"control":)"
         << word(head.control()) << R"(,"crc_right":)" << word(right) << "}\n";
  }

  void record_line(const BatchHead& head, const log::Record& record) {
    out_ << record.offset << "  " << time_text(record.timestamp) << "  ";
    if (head.control()) {
      out_ << marker(record) << " of producer " << head.producer_id << '\n';
      return;
    }
    out_ << quoted(record.key) << "  " << quoted(record.value);
    const char* between = "  {";
    for (const log::Header& header : record.headers) {
      out_ << between << quoted(header.key) << ": " << quoted(header.value);
      between = ", ";
    }
    out_ << (record.headers.empty() ? "\n" : "}\n");
  }

  void record_json(const BatchHead& head, const log::Record& record) {
    text_.clear();
    append_json(text_, record);
    if (head.control()) {
      text_.pop_back();
      text_.append(R"(,"control":")").append(marker(record)).append("\"}");
    }
    out_ << text_ << '\n';
  }

  const LogDump& wanted_;
  std::ostream& out_;
  std::uint64_t left_;  // to show
  std::string file_;    // the segment's
  log::RecordReader records_;
  std::string text_;
  bool wrong_ = false;
};

}  // namespace

int dump_log(const LogDump& wanted, std::ostream& out, std::ostream& err) {
  const std::string directory = wanted.directory + '/' + log::directory_of(wanted.topic, wanted.partition);
  const std::vector<std::int64_t> segments = log::segments_in(directory);
  Dump dump(wanted, out);
  for (std::size_t i = 0; i < segments.size() && out; ++i) {
    if (i + 1 < segments.size() && segments[i + 1] <= wanted.from) continue;
    if (!dump.segment(directory, segments[i])) break;
  }
  out.flush();
  if (dump.wrong())
    err << "sluice: " << directory << ": not everything is right; `sluice log verify` tells all\n";
  return dump.wrong() ? kExitRuntime : kExitOk;
}

}  // namespace sluice::app
