// A broker over a scratch log, and someone who asks it in Kafka's words and waits for the answer.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "catch.h"
#include "kafka/codec.h"
#include "log/record.h"
#include "loop/event_loop.h"
#include "loop/offload.h"
#include "scratch_directory.h"

namespace sluice::testing {

inline std::string text_of(const relay::Body& body) {
  std::string out;
  for (const relay::Piece& piece : body) {
    if (const auto* text = std::get_if<std::string>(&piece)) {
      out += *text;
      continue;
    }
    const auto& range = std::get<relay::FileRange>(piece);
    std::string bytes(range.length, '\0');
    REQUIRE(::pread(range.file->fd(), bytes.data(), bytes.size(), static_cast<off_t>(range.offset)) ==
            static_cast<ssize_t>(bytes.size()));
    out += bytes;
  }
  return out;
}

// One partition's files, and the view that a directory would have of them.
class Partition {
 public:
  Partition(const ScratchDirectory& top, const std::string& topic, std::int32_t index)
      : path_(top.make_directory(topic + "-" + std::to_string(index))) {
    view.topic = topic;
    view.index = index;
    view.directory = path_;
    roll();
  }
  void roll() {
    view.segments.push_back({.base_offset = view.end, .end_offset = view.end});
    std::ofstream(file(), std::ios::binary).flush();
    struct ::stat status {};
    REQUIRE(::stat(file().c_str(), &status) == 0);
    view.segments.back().inode = status.st_ino;
  }
  // One batch of so many records, each with a value of `size` bytes.
  void add(int records, std::size_t size = 10) {
    log::BatchBuilder builder;
    for (int i = 0; i < records; ++i)
      builder.add(1000 + view.end + i, std::nullopt, std::string(size, static_cast<char>('a' + i % 26)));
    const std::string batch = builder.finish(view.end, 0);
    std::ofstream(file(), std::ios::binary | std::ios::app) << batch;
    batches.push_back(batch);
    log::SegmentView& last = view.segments.back();
    last.size += batch.size();
    view.end = view.last_stable = last.end_offset = view.end + records;
  }

  log::PartitionView view;
  std::vector<std::string> batches;

 private:
  [[nodiscard]] std::string file() const {
    std::string name = std::to_string(view.segments.back().base_offset);
    return path_ + "/" + std::string(20 - name.size(), '0') + name + ".log";
  }
  const std::string path_;
};

class Asker {
 public:
  void publish(const Partition& partition, const kafka::Uuid& id = {}) {
    catalog.update(std::make_shared<const log::PartitionView>(partition.view), id);
  }

  template <typename Request>
  broker::Taken take(int version, const Request& request) {
    std::string frame;
    const auto put = [&](int value, int bytes) {
      while (bytes-- > 0) frame += static_cast<char>(value >> 8 * bytes & 0xff);
    };
    put(static_cast<int>(Request::kKey), 2);
    put(version, 2);
    put(7, 4);
    put(2, 2);
    frame += "me";
    if (kafka::is_flexible(Request::kKey, version)) frame += '\0';
    frame += text_of(kafka::encode_fields(version, request));
    asked = {};
    answer.reset();
    return broker::take(
        broker, frame,
        [this](relay::Body body) {
          answer = text_of(body);
          loop.stop();
        },
        asked);
  }

  // Asks and waits; the payload of fetched records ends up in `payload`.
  template <typename Response, typename Request>
  Response ask(int version, const Request& request) {
    broker::Taken taken = take(version, request);
    INFO(taken.why);
    REQUIRE((taken.answer.has_value() || taken.call != nullptr));
    if (taken.answer) {
      answer = text_of(*taken.answer);
    } else {
      wait();
    }
    return decoded<Response>(version);
  }
  void wait() {
    struct Limit final : loop::Deadline {
      loop::EventLoop* loop = nullptr;
      void on_deadline() override { loop->stop(); }
    } limit;
    limit.loop = &loop;
    loop.deadlines().set(limit, loop.now() + std::chrono::seconds(20));
    if (!answer) loop.run();
    REQUIRE(answer.has_value());
  }
  template <typename Response>
  Response decoded(int version) {
    const bool tags =
        kafka::is_flexible(Response::kKey, version) && Response::kKey != kafka::ApiKey::kApiVersions;
    Response response;
    std::string_view why;
    const bool read = kafka::decode(std::string_view(*answer).substr(tags ? 9 : 8), version, response, why);
    INFO(why);
    REQUIRE(read);
    return response;
  }

  ScratchDirectory top;
  loop::EventLoop loop;
  loop::Offload offload{1, 100};
  log::Catalog catalog;
  log::Reader reader{loop, offload, 16};
  observe::Counters counters;
  config::Kafka config;
  broker::Broker broker{.loop = loop,
                        .counters = counters,
                        .catalog = catalog,
                        .reader = reader,
                        .coordinator = nullptr,
                        .config = config,
                        .cluster = "test",
                        .host = "there.example",
                        .port = 9092,
                        .client_host = "/127.0.0.1",
                        .access_topic = "access"};
  broker::Asked asked;
  std::optional<std::string> answer;
};

}  // namespace sluice::testing
