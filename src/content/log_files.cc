#include "content/log_files.h"

#include <algorithm>
#include <cerrno>

#include "http/status.h"
#include "log/uuid.h"
#include "observe/json_text.h"
#include "os/shortage.h"

namespace sluice::content {

namespace {

void add_field(Answer& answer, std::string_view name, std::string_view value) {
  answer.fields.append(name).append(": ").append(value).append("\r\n");
}

void tell(Answer& answer, int status, std::string_view more = {}) {
  answer.status = status;
  std::string text = std::to_string(status) + " ";
  text.append(http::reason_phrase(status)).append("\n").append(more);
  if (!more.empty()) text.push_back('\n');
  answer.length = text.size();
  add_field(answer, "Content-Type", "text/plain; charset=utf-8");
  answer.body.emplace_back(std::move(text));
}

void append_partition(std::string& out, const log::PartitionView& view) {
  std::uint64_t bytes = 0;
  for (const log::SegmentView& segment : view.segments) bytes += segment.size;
  out.append("{\"partition\":").append(std::to_string(view.index));
  out.append(",\"start\":").append(std::to_string(view.log_start));
  out.append(",\"end\":").append(std::to_string(view.end));
  out.append(",\"last_stable\":").append(std::to_string(view.last_stable));
  out.append(",\"bytes\":").append(std::to_string(bytes)).append("}");
}

void append_topic(std::string& out, const log::Topic& topic) {
  out.append("{\"name\":\"");
  observe::append_escaped(out, topic.name);
  out.append("\",");
  if (topic.id != log::Uuid{}) out.append("\"id\":\"").append(log::uuid_text(topic.id)).append("\",");
  out.append("\"internal\":").append(topic.internal ? "true" : "false").append(",\"partitions\":[");
  const char* between = "";
  for (const auto& partition : topic.partitions) {
    if (partition == nullptr || partition->view == nullptr) continue;
    out.append(std::exchange(between, ","));
    append_partition(out, *partition->view);
  }
  out.append("]}");
}

void answer_json(Answer& answer, std::string text) {
  answer.status = 200;
  answer.length = text.size();
  add_field(answer, "Content-Type", "application/json");
  add_field(answer, "Cache-Control", "no-store");
  answer.body.emplace_back(std::move(text));
}

std::string all_topics(const log::Catalog& catalog) {
  std::string out = "{\"topics\":[";
  const char* between = "";
  for (const auto& [name, topic] : catalog.topics()) {
    if (!topic->exists()) continue;
    out.append(std::exchange(between, ",\n"));
    append_topic(out, *topic);
  }
  return out.append("]}\n");
}

// Where it begins; below the log's start or above its end where no record can be.
std::int64_t first_offset(const log::PartitionView& view, const LogQuery& query) noexcept {
  const std::int64_t end = visible_end(view, query.format);
  switch (query.from) {
    case LogQuery::From::kEarliest:
      return view.log_start;
    case LogQuery::From::kLatest:
      return end;
    case LogQuery::From::kOffset:
      return query.number;
    case LogQuery::From::kLast:
      return std::max(view.log_start, end - std::min(end, query.number));
  }
  return 0;
}

void add_offsets(Answer& answer, const log::PartitionView& view) {
  add_field(answer, "X-Log-Start", std::to_string(view.log_start));
  add_field(answer, "X-Log-End", std::to_string(view.end));
  add_field(answer, "X-Last-Stable", std::to_string(view.last_stable));
}

std::string_view content_type(LogFormat format) noexcept {
  switch (format) {
    case LogFormat::kBatches:
      break;
    case LogFormat::kText:
      return "text/plain; charset=utf-8";
    case LogFormat::kJson:
      return "application/x-ndjson";
  }
  return "application/octet-stream";
}

}  // namespace

bool LogFiles::answer(http::Method method, std::string_view path, std::string_view query_text, Answer& answer,
                      std::unique_ptr<GrowingBody>& body, loop::Ticket& ticket, std::function<void()> ready) {
  answer = Answer{};
  if (method != http::Method::kGet && method != http::Method::kHead) {
    tell(answer, 405);
    add_field(answer, "Allow", "GET, HEAD");
    return true;
  }
  LogQuery query;
  bool found = false;
  if (const std::string wrong = read_log_query(path, query_text, query, found); !wrong.empty()) {
    tell(answer, 400, wrong);
    return true;
  }
  if (found && query.topic.empty()) {
    answer_json(answer, all_topics(means_.catalog));
    return true;
  }
  log::Topic* const topic = found ? means_.catalog.find(query.topic) : nullptr;
  if (topic == nullptr || !topic->exists()) {
    tell(answer, 404, "there is no such topic");
    return true;
  }
  if (!query.partition) {
    std::string text;
    append_topic(text, *topic);
    answer_json(answer, text.append("\n"));
    return true;
  }
  log::Partition* const partition = log::Catalog::partition_of(*topic, *query.partition);
  if (partition == nullptr) {
    tell(answer, 404, "there is no such partition");
    return true;
  }
  return answer_partition(*partition, query, answer, body, ticket, std::move(ready));
}

bool LogFiles::answer_partition(log::Partition& partition, const LogQuery& query, Answer& answer,
                                std::unique_ptr<GrowingBody>& body, loop::Ticket& ticket,
                                std::function<void()> ready) {
  const log::PartitionView& view = *partition.view;
  const std::int64_t from = first_offset(view, query);
  if (from < view.log_start || from > view.end) {
    tell(answer, 416,
         "offset " + std::to_string(from) + " is not in the log, which has " +
             std::to_string(view.log_start) + " to " + std::to_string(view.end));
    add_offsets(answer, view);
    return true;
  }
  log::Slice slice{.next = from};
  const std::int64_t before = visible_end(view, query.format);
  if (!query.follow && from < before) {
    slice =
        means_.reader.find(view, {.from = from, .before = before, .most = query.most, .first_whole = true},
                           ticket, std::move(ready));
    if (slice.found == log::Find::kPending) return false;
    if (slice.found == log::Find::kFailed) {
      tell(answer, slice.error == EAGAIN || os::is_shortage(slice.error) ? 503 : 500);
      return true;
    }
  }
  answer.status = 200;
  add_field(answer, "Content-Type", content_type(query.format));
  add_field(answer, "Cache-Control", "no-store");
  add_offsets(answer, view);
  if (!query.follow) add_field(answer, "X-Next-Offset", std::to_string(slice.next));
  if (!query.follow && query.format == LogFormat::kBatches) {
    answer.length = slice.bytes;
    for (relay::FileRange& range : slice.ranges) answer.body.emplace_back(std::move(range));
    return true;
  }
  answer.has_length = false;
  body = std::make_unique<PartitionBody>(means_, partition, query, from, std::move(slice));
  return true;
}

}  // namespace sluice::content
