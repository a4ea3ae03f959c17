// Formatting: a record becomes one line of JSON. Each append goes straight into the batch, without a
// temporary.
#include <array>
#include <charconv>
#include <ctime>

#include "base/bytes.h"
#include "observe/access_log.h"
#include "observe/json_text.h"

namespace sluice::observe {

namespace {

constexpr std::size_t kFlushAt = 32_KiB;
constexpr std::size_t kLongest = 2_KiB;  // of what a client sent, so that a line stays within bounds

void append_number(std::string& out, std::uint64_t value, std::size_t width = 1) {
  std::array<char, 20> digits;
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const auto count = static_cast<std::size_t>(end - digits.data());
  if (count < width) out.append(width - count, '0');
  out.append(digits.data(), count);
}

void append_text(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out.append(key);
  out.push_back('"');
  const std::string_view kept = cut_text(value, kLongest);
  append_escaped(out, kept);
  if (kept.size() < value.size()) out.append("\xe2\x80\xa6");  // an ellipsis
  out.push_back('"');
}

void append_count(std::string& out, std::string_view key, std::uint64_t value) {
  out.append(key);
  append_number(out, value);
}

// In milliseconds with three decimals.
void append_duration(std::string& out, std::string_view key, std::chrono::microseconds value) {
  if (value.count() < 0) return;
  const auto us = static_cast<std::uint64_t>(value.count());
  out.append(key);
  append_number(out, us / 1000);
  out.push_back('.');
  append_number(out, us % 1000, 3);
}

void append_client(std::string& out, const os::Address& client) {
  if (!client.valid()) return;
  std::array<char, INET6_ADDRSTRLEN> ip;
  const bool v6 = client.family() == AF_INET6;
  out.append(v6 ? R"(,"client":"[)" : R"(,"client":")");
  out.append(ip.data(), client.write_ip(ip.data()));
  out.append(v6 ? "]:" : ":");
  append_number(out, client.port());
  out.push_back('"');
}

}  // namespace

AccessBatch::AccessBatch(std::shared_ptr<AccessLog> log, Counters& counters)
    : log_(std::move(log)), counters_(counters) {}

// A second's text serves all the lines of that second.
void AccessBatch::append_time(os::WallTime time) {
  using namespace std::chrono;
  const auto second = floor<seconds>(time);
  if (const std::time_t since_epoch = second.time_since_epoch().count(); since_epoch != second_) {
    second_ = since_epoch;
    std::tm utc{};
    ::gmtime_r(&second_, &utc);
    std::array<char, 32> text;
    second_text_.assign(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &utc));
  }
  text_.append(second_text_);
  append_number(text_, static_cast<std::uint64_t>(duration_cast<milliseconds>(time - second).count()), 3);
}

void AccessBatch::add(const AccessRecord& record) {
  if (log_ == nullptr) return;
  text_.append(R"({"time":")");
  append_time(record.time);
  text_.append(R"(Z")");
  append_client(text_, record.client);
  append_text(text_, R"(,"method":)", record.method);
  append_text(text_, R"(,"host":)", record.host);
  append_text(text_, R"(,"target":)", record.target);
  append_text(text_, R"(,"protocol":)", record.protocol);
  if (!record.tls.version.empty()) {
    append_text(text_, R"(,"tls":)", record.tls.version);
    append_text(text_, R"(,"sni":)", record.tls.server_name);
    if (record.tls.resumed) text_.append(R"(,"resumed":true)");
    if (record.tls.kernel) text_.append(R"(,"ktls":true)");
  }
  append_text(text_, R"(,"route":)", record.route);
  append_text(text_, R"(,"upstream":)", record.upstream);
  append_text(text_, R"(,"upstream_protocol":)", record.upstream_protocol);
  append_count(text_, R"(,"status":)", static_cast<std::uint64_t>(record.status));
  append_count(text_, R"(,"bytes_in":)", record.bytes_in);
  append_count(text_, R"(,"bytes_out":)", record.bytes_out);
  append_count(text_, R"(,"zero_copy":)", record.zero_copy);
  if (!record.coding.empty()) {
    append_text(text_, R"(,"coding":)", record.coding);
    append_count(text_, R"(,"uncompressed":)", record.uncompressed);
  }
  append_text(text_, R"(,"path":)", record.path);
  append_text(text_, R"(,"why":)", record.why);
  append_text(text_, R"(,"end":)", name_of(record.end));
  append_duration(text_, R"(,"ms":)", record.total);
  append_duration(text_, R"(,"connect_ms":)", record.connect);
  append_duration(text_, R"(,"first_byte_ms":)", record.first_byte);
  append_text(text_, R"(,"user_agent":)", record.user_agent);
  append_text(text_, R"(,"referer":)", record.referer);
  text_.append("}\n");
  ++lines_;
  if (text_.size() >= kFlushAt) flush();
}

void AccessBatch::flush() {
  if (log_ == nullptr) return;
  counters_.log_lines_dropped.add(log_->take_lost());
  if (lines_ == 0) return;
  if (!log_->submit(std::move(text_), lines_)) counters_.log_lines_dropped.add(lines_);
  text_.clear();  // submit() copies, so its memory usually serves the next batch
  lines_ = 0;
}

}  // namespace sluice::observe
