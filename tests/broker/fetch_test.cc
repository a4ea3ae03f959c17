#include "broker/asker.h"

using namespace sluice;
using kafka::ErrorCode;
using testing::Asker;
using testing::Partition;

namespace {

constexpr int kVersion = 11;
constexpr std::int32_t kPlenty = 1 << 20;

struct Wish {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int32_t most = kPlenty;
};

kafka::FetchRequest wish(const std::vector<Wish>& wishes, std::int32_t wait = 0, std::int32_t least = 1,
                         std::int32_t most = kPlenty) {
  kafka::FetchRequest request{.max_wait_ms = wait, .min_bytes = least, .max_bytes = most};
  for (const Wish& each : wishes) {
    auto& topic = request.topics.emplace_back();
    topic.topic = each.topic;
    topic.partitions.push_back(
        {.partition = each.partition, .fetch_offset = each.offset, .partition_max_bytes = each.most});
  }
  return request;
}

const kafka::FetchResponse::Partition& only(const kafka::FetchResponse& response, std::size_t at = 0) {
  REQUIRE(response.responses.size() > at);
  REQUIRE(response.responses[at].partitions.size() == 1);
  return response.responses[at].partitions[0];
}

}  // namespace

TEST_CASE("a fetch begins with the batch that holds the offset and ends with a whole one", "[broker]") {
  Asker asker;
  Partition log(asker.top, "t", 0);
  for (int i = 0; i < 6; ++i) log.add(5, 100);
  asker.publish(log);
  const auto size = static_cast<std::int32_t>(log.batches[0].size());
  for (const std::int64_t offset : {0, 1, 4, 5, 12, 29}) {
    for (const int batches : {1, 2, 3}) {
      CAPTURE(offset, batches);
      const auto response = asker.ask<kafka::FetchResponse>(
          kVersion, wish({{.topic = "t", .offset = offset, .most = batches * size + size / 2}}));
      std::string expected;
      const auto first = static_cast<std::size_t>(offset / 5);
      for (std::size_t i = first; i < std::min<std::size_t>(first + static_cast<std::size_t>(batches), 6);
           ++i)
        expected += log.batches[i];
      CHECK(only(response).records.bytes == expected.size());
      CHECK(asker.answer->ends_with(expected));
      CHECK(only(response).high_watermark == 30);
      CHECK(only(response).log_start_offset == 0);
    }
  }
}

TEST_CASE("the first batch of all comes whole, and no other that does not fit", "[broker]") {
  Asker asker;
  Partition a(asker.top, "a", 0), b(asker.top, "b", 0), c(asker.top, "c", 0);
  a.add(1, 5000);
  a.add(1, 5000);
  b.add(1, 5000);
  c.add(1, 50);
  for (const Partition* each : {&a, &b, &c}) asker.publish(*each);
  // Less than one batch to each partition ...
  auto response = asker.ask<kafka::FetchResponse>(
      kVersion, wish({{.topic = "a", .most = 10}, {.topic = "b", .most = 10}, {.topic = "c", .most = 500}}));
  CHECK(only(response, 0).records.bytes == a.batches[0].size());
  CHECK(only(response, 1).records.bytes == 0);
  CHECK(only(response, 2).records.bytes == c.batches[0].size());
  // ... or to the whole response.
  response = asker.ask<kafka::FetchResponse>(kVersion, wish({{.topic = "b"}, {.topic = "a"}}, 0, 1, 100));
  CHECK(only(response, 0).records.bytes == b.batches[0].size());
  CHECK(only(response, 1).records.bytes == 0);
  // What one partition took is not there for the next.
  response = asker.ask<kafka::FetchResponse>(
      kVersion, wish({{.topic = "b"}, {.topic = "a"}, {.topic = "c"}}, 0, 1, 6000));
  CHECK(only(response, 0).records.bytes == b.batches[0].size());
  CHECK(only(response, 1).records.bytes == 0);
  CHECK(only(response, 2).records.bytes == c.batches[0].size());
  // The operator's bound is no other.
  asker.config.fetch = 100;
  response = asker.ask<kafka::FetchResponse>(kVersion, wish({{.topic = "a"}, {.topic = "b"}}));
  CHECK(only(response, 0).records.bytes == a.batches[0].size());
  CHECK(only(response, 1).records.bytes == 0);
}

TEST_CASE("a response spans segments and partitions", "[broker]") {
  Asker asker;
  Partition a(asker.top, "a", 0), b(asker.top, "b", 3);
  std::string of_a, of_b;
  for (int i = 0; i < 4; ++i) {
    a.add(2, 300);
    a.roll();
    b.add(1, 30);
  }
  for (const std::string& batch : a.batches) of_a += batch;
  for (const std::string& batch : b.batches) of_b += batch;
  asker.publish(a);
  asker.publish(b);
  const auto response =
      asker.ask<kafka::FetchResponse>(kVersion, wish({{.topic = "a"}, {.topic = "b", .partition = 3}}));
  CHECK(only(response, 0).records.bytes == of_a.size());
  CHECK(only(response, 1).records.bytes == of_b.size());
  CHECK(asker.answer->ends_with(of_b));
  CHECK(asker.answer->find(of_a) != std::string::npos);
}

TEST_CASE("each partition that was asked for is answered, with its own error", "[broker]") {
  Asker asker;
  Partition log(asker.top, "t", 0);
  for (int i = 0; i < 4; ++i) log.add(5);
  log.view.log_start = 7;
  asker.publish(log);
  const struct {
    Wish wish;
    ErrorCode error;
    bool records;
  } cases[] = {
      {{.topic = "t", .offset = 7}, ErrorCode::kNone, true},
      {{.topic = "t", .offset = 6}, ErrorCode::kOffsetOutOfRange, false},
      {{.topic = "t", .offset = 20}, ErrorCode::kNone, false},
      {{.topic = "t", .offset = 21}, ErrorCode::kOffsetOutOfRange, false},
      {{.topic = "t", .offset = -1}, ErrorCode::kOffsetOutOfRange, false},
      {{.topic = "t", .partition = 1}, ErrorCode::kUnknownTopicOrPartition, false},
      {{.topic = "t", .partition = -1}, ErrorCode::kUnknownTopicOrPartition, false},
      {{.topic = "none"}, ErrorCode::kUnknownTopicOrPartition, false},
  };
  std::vector<Wish> wishes;
  for (const auto& each : cases) wishes.push_back(each.wish);
  // Errors are never waited with.
  const auto response = asker.ask<kafka::FetchResponse>(kVersion, wish(wishes, 60'000, kPlenty));
  REQUIRE(response.responses.size() == std::size(cases));
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    CAPTURE(i);
    CHECK(response.responses[i].topic == cases[i].wish.topic);
    CHECK(only(response, i).partition_index == cases[i].wish.partition);
    CHECK(only(response, i).error_code == cases[i].error);
    CHECK((only(response, i).records.bytes != 0) == cases[i].records);
    CHECK(only(response, i).high_watermark == (cases[i].error == ErrorCode::kNone ? 20 : -1));
  }
}

TEST_CASE("topics by id", "[broker]") {
  Asker asker;
  Partition log(asker.top, "t", 0);
  log.add(1);
  const kafka::Uuid id{1, 2, 3};
  asker.publish(log, id);
  kafka::FetchRequest request = wish({{}, {}});
  request.topics[0].topic_id = id;
  request.topics[1].topic_id = {9};
  for (const int version : {13, 15, 17}) {
    CAPTURE(version);
    const auto response = asker.ask<kafka::FetchResponse>(version, request);
    CHECK(response.responses[0].topic_id == id);
    CHECK(only(response, 0).records.bytes == log.batches[0].size());
    CHECK(only(response, 1).error_code == ErrorCode::kUnknownTopicId);
  }
}

TEST_CASE("readers of what was committed stop at open transactions and hear of those given up", "[broker]") {
  Asker asker;
  Partition log(asker.top, "t", 0);
  for (int i = 0; i < 6; ++i) log.add(5);
  log.view.last_stable = 20;
  log.view.aborted = {{.producer_id = 1, .first_offset = 0, .last_offset = 4, .last_stable = 0},
                      {.producer_id = 2, .first_offset = 12, .last_offset = 13, .last_stable = 5},
                      {.producer_id = 3, .first_offset = 6, .last_offset = 16, .last_stable = 5},
                      {.producer_id = 4, .first_offset = 18, .last_offset = 29, .last_stable = 18}};
  asker.publish(log);
  kafka::FetchRequest request = wish({{.topic = "t", .offset = 5}});
  request.isolation_level = 1;
  const auto response = asker.ask<kafka::FetchResponse>(kVersion, request);
  CHECK(only(response).last_stable_offset == 20);
  CHECK(only(response).high_watermark == 30);
  CHECK(only(response).records.bytes == 3 * log.batches[0].size());
  REQUIRE(only(response).aborted_transactions);
  const auto& aborted = *only(response).aborted_transactions;
  REQUIRE(aborted.size() == 3);
  CHECK((aborted[0].producer_id == 3 && aborted[1].producer_id == 2 && aborted[2].producer_id == 4));

  request.isolation_level = 0;
  const auto all = asker.ask<kafka::FetchResponse>(kVersion, request);
  CHECK(only(all).records.bytes == 5 * log.batches[0].size());
  CHECK_FALSE(only(all).aborted_transactions);
}

TEST_CASE("a fetch waits until a partition has grown by enough", "[broker]") {
  Asker asker;
  Partition log(asker.top, "t", 0), other(asker.top, "u", 0);
  log.add(1, 100);
  other.add(1, 100);
  asker.publish(log);
  asker.publish(other);
  const auto size = static_cast<std::int32_t>(log.batches[0].size());
  auto taken = asker.take(
      kVersion, wish({{.topic = "t", .offset = 1}, {.topic = "u", .offset = 1}}, 60'000, 2 * size - 10));
  REQUIRE(taken.call != nullptr);
  CHECK(asker.counters.kafka_waiting.read() == 1);
  asker.loop.post([&] {  // too little
    log.add(1, 100);
    asker.publish(log);
    asker.loop.post([&] {  // nothing new
      asker.publish(log);
      asker.loop.post([&] {  // in another partition, and in a new segment
        CHECK_FALSE(asker.answer.has_value());
        other.roll();
        other.add(1, 100);
        asker.publish(other);
      });
    });
  });
  asker.wait();
  const auto response = asker.decoded<kafka::FetchResponse>(kVersion);
  CHECK(only(response, 0).records.bytes == log.batches[1].size());
  CHECK(only(response, 0).high_watermark == 2);
  CHECK(only(response, 1).records.bytes == other.batches[1].size());
  CHECK(asker.counters.kafka_waiting.read() == 0);
  CHECK(asker.counters.kafka_wakes.read() == 1);
}

TEST_CASE("a fetch that waits ends when its time is up, when it is hurried, when its partition is gone",
          "[broker]") {
  Asker asker;
  Partition log(asker.top, "t", 0);
  log.add(1);
  asker.publish(log);
  const Wish end{.topic = "t", .offset = 1};
  SECTION("time") {
    const auto response = asker.ask<kafka::FetchResponse>(kVersion, wish({end}, 200));
    CHECK(only(response).error_code == ErrorCode::kNone);
    CHECK(only(response).records.bytes == 0);
  }
  SECTION("the operator's time") {
    asker.config.longest_wait = std::chrono::milliseconds(100);
    CHECK(only(asker.ask<kafka::FetchResponse>(kVersion, wish({end}, 60'000))).records.bytes == 0);
  }
  SECTION("hurried") {
    auto taken = asker.take(kVersion, wish({end}, 60'000));
    REQUIRE(taken.call != nullptr);
    taken.call->hurry();
    REQUIRE(asker.answer.has_value());
    CHECK(only(asker.decoded<kafka::FetchResponse>(kVersion)).records.bytes == 0);
  }
  SECTION("gone") {
    auto taken = asker.take(kVersion, wish({end}, 60'000));
    REQUIRE(taken.call != nullptr);
    asker.loop.post([&] { asker.catalog.remove("t", 0); });
    asker.wait();
    CHECK(only(asker.decoded<kafka::FetchResponse>(kVersion)).error_code ==
          ErrorCode::kUnknownTopicOrPartition);
  }
  SECTION("given up") {
    auto taken = asker.take(kVersion, wish({end}, 60'000));
    taken.call.reset();
    CHECK(asker.counters.kafka_waiting.read() == 0);
    log.add(1);
    asker.publish(log);
    CHECK_FALSE(asker.answer.has_value());
  }
}

TEST_CASE("a client that may not wait, or wants nothing, is answered at once", "[broker]") {
  Asker asker;
  Partition log(asker.top, "t", 0);
  log.add(1);
  asker.publish(log);
  const Wish end{.topic = "t", .offset = 1};
  CHECK(asker.take(kVersion, wish({end}, 0, 1)).answer.has_value());
  CHECK(asker.take(kVersion, wish({end}, 60'000, 0)).answer.has_value());
  CHECK(asker.take(kVersion, wish({}, 60'000, 1)).answer.has_value());
  CHECK(asker.take(kVersion, wish({end}, 60'000, 1)).call != nullptr);
}

TEST_CASE("sessions are not given, and those of others not known", "[broker]") {
  Asker asker;
  Partition log(asker.top, "t", 0);
  log.add(1);
  asker.publish(log);
  kafka::FetchRequest request = wish({{.topic = "t"}});
  for (const std::int32_t epoch : {-1, 0}) {
    request.session_epoch = epoch;
    const auto response = asker.ask<kafka::FetchResponse>(kVersion, request);
    CHECK((response.error_code == ErrorCode::kNone && response.session_id == 0));
    CHECK(only(response).records.bytes != 0);
  }
  request.session_id = 5;
  request.session_epoch = 1;
  const auto response = asker.ask<kafka::FetchResponse>(kVersion, request);
  CHECK(response.error_code == ErrorCode::kFetchSessionIdNotFound);
  CHECK(response.responses.empty());
}

TEST_CASE("a response holds only so many files, and comes at once when it leaves some out", "[broker]") {
  Asker asker;
  std::vector<Wish> wishes;
  for (std::int32_t i = 0; i < 300; ++i) {
    Partition log(asker.top, "t", i);
    log.add(1);
    asker.publish(log);
    wishes.push_back({.topic = "t", .partition = i});
  }
  const auto response = asker.ask<kafka::FetchResponse>(kVersion, wish(wishes, 60'000, kPlenty));
  REQUIRE(response.responses.size() == wishes.size());
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    CAPTURE(i);
    CHECK(only(response, i).error_code == ErrorCode::kNone);
    CHECK((only(response, i).records.bytes != 0) == (i < 256));
    CHECK(only(response, i).high_watermark == 1);
  }
}

TEST_CASE("a fetch of the access log is known for what it is", "[broker]") {
  Asker asker;
  Partition access(asker.top, "access", 0), other(asker.top, "other", 0);
  asker.publish(access, {1});
  asker.publish(other, {2});
  const auto known = [&](int version, const kafka::FetchRequest& request) {
    (void)asker.take(version, request);
    return asker.asked.of_access_log;
  };
  CHECK(known(kVersion, wish({{.topic = "other"}, {.topic = "access"}})));
  CHECK_FALSE(known(kVersion, wish({{.topic = "other"}})));
  CHECK_FALSE(known(kVersion, wish({})));
  kafka::FetchRequest by_id = wish({{}});
  by_id.topics[0].topic_id = {1};
  CHECK(known(13, by_id));
}

TEST_CASE("too many partitions in one request", "[broker]") {
  Asker asker;
  asker.config.partitions = 3;
  CHECK(asker.take(kVersion, wish({{}, {}, {}})).answer.has_value());
  const auto taken = asker.take(kVersion, wish({{}, {}, {}, {}}));
  CHECK_FALSE(taken.answer.has_value());
  CHECK(taken.why.find("kafka.partitions") != std::string::npos);
}
