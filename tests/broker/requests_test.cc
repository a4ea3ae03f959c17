// What a broker answers besides fetches.
#include "broker/asker.h"

using namespace sluice;
using kafka::ErrorCode;
using testing::Asker;
using testing::Partition;

TEST_CASE("ApiVersions lists what is served; a newer client is told so in words of version 0", "[broker]") {
  Asker asker;
  for (int version = 0; version <= 4; ++version) {
    const auto response = asker.ask<kafka::ApiVersionsResponse>(
        version, kafka::ApiVersionsRequest{.client_software_name = "a", .client_software_version = "1.0"});
    CHECK(response.error_code == ErrorCode::kNone);
    CHECK(response.api_keys.size() == kafka::advertised().size());
  }
  auto taken = asker.take(0, kafka::ApiVersionsRequest{});
  const std::string newer("\0\x12\0\x63\0\0\0\5\0\0", 10);
  taken = broker::take(
      asker.broker, newer, [](relay::Body) {}, asker.asked);
  REQUIRE(taken.answer.has_value());
  asker.answer = testing::text_of(*taken.answer);
  const auto response = asker.decoded<kafka::ApiVersionsResponse>(0);
  CHECK(response.error_code == ErrorCode::kUnsupportedVersion);
  REQUIRE(response.api_keys.size() == 1);
  CHECK(response.api_keys[0].api_key == 18);

  for (const char* name : {"", "-a", "a-", "a b", "ä"}) {
    CAPTURE(name);
    const auto refused = asker.ask<kafka::ApiVersionsResponse>(
        3, kafka::ApiVersionsRequest{.client_software_name = name, .client_software_version = "1"});
    CHECK(refused.error_code == ErrorCode::kInvalidRequest);
  }
}

TEST_CASE("fetches by topic ids are offered where all topics have one", "[broker]") {
  Asker asker;
  const auto newest = [&] {
    const auto response = asker.ask<kafka::ApiVersionsResponse>(
        3, kafka::ApiVersionsRequest{.client_software_name = "a", .client_software_version = "1"});
    for (const auto& api : response.api_keys)
      if (api.api_key == 1) return api.max_version;
    return std::int16_t{-1};
  };
  CHECK(newest() == 17);
  Partition with(asker.top, "with", 0), without(asker.top, "without", 0);
  asker.publish(with, {1});
  CHECK(newest() == 17);
  asker.publish(without);
  CHECK(newest() == 12);
  asker.catalog.remove("without", 0);
  CHECK(newest() == 17);
}

TEST_CASE("what no broker knows is not answered", "[broker]") {
  Asker asker;
  const std::pair<std::string, const char*> cases[] = {
      {std::string("\0\x63\0\0\0\0\0\5\0\0", 10), "key 99"},
      {std::string("\0\x01\0\x63\0\0\0\5\0\0", 10), "version 99"},
      {std::string("\0\x01\0\x03\0\0\0\5\0\0", 10), "version 3"},
      {std::string("\0\x01\0", 3), ""},
      {"", ""},
  };
  for (const auto& [frame, why] : cases) {
    const auto taken = broker::take(
        asker.broker, frame, [](relay::Body) {}, asker.asked);
    CHECK_FALSE(taken.answer.has_value());
    CHECK(taken.call == nullptr);
    CHECK(taken.why.find(why) != std::string::npos);
    CHECK_FALSE(taken.why.empty());
  }
}

TEST_CASE("Metadata: all topics, none, or those that are named", "[broker]") {
  Asker asker;
  Partition a(asker.top, "a", 0), a2(asker.top, "a", 2), b(asker.top, "__consumer_offsets", 0);
  const kafka::Uuid id{4, 5};
  asker.publish(a, id);
  asker.publish(a2, id);
  asker.publish(b);
  const auto ask = [&](int version, const kafka::MetadataRequest& request) {
    return asker.ask<kafka::MetadataResponse>(version, request);
  };
  for (int version = 0; version <= 12; ++version) {
    CAPTURE(version);
    kafka::MetadataRequest everything;
    if (version == 0) everything.topics.emplace();
    const auto all = ask(version, everything);
    REQUIRE(all.topics.size() == 2);
    CHECK(all.topics[0].name == "__consumer_offsets");
    CHECK(all.topics[0].is_internal == (version >= 1));
    REQUIRE(all.topics[1].partitions.size() == 2);
    CHECK(all.topics[1].partitions[1].partition_index == 2);
    CHECK(all.topics[1].partitions[1].leader_id == all.brokers[0].node_id);
    CHECK((all.brokers.size() == 1 && all.brokers[0].host == "there.example" && all.brokers[0].port == 9092));
    if (version >= 10) CHECK(all.topics[1].topic_id == id);
  }
  kafka::MetadataRequest none;
  none.topics.emplace();
  CHECK(ask(9, none).topics.empty());

  kafka::MetadataRequest some;
  some.topics.emplace();
  some.topics->push_back({.name = "a"});
  some.topics->push_back({.name = "unknown"});
  some.topics->push_back({.name = "no/name"});
  const auto told = ask(9, some);
  CHECK(told.topics[0].error_code == ErrorCode::kNone);
  CHECK(told.topics[1].error_code == ErrorCode::kUnknownTopicOrPartition);
  CHECK(told.topics[2].error_code == ErrorCode::kInvalidTopic);
  CHECK(told.topics[1].name == "unknown");

  kafka::MetadataRequest by_id;
  by_id.topics.emplace();
  by_id.topics->push_back({.topic_id = id});
  by_id.topics->push_back({.topic_id = {1}});
  const auto found = ask(12, by_id);
  CHECK(found.topics[0].name == "a");
  CHECK(found.topics[1].error_code == ErrorCode::kUnknownTopicId);
}

TEST_CASE("ListOffsets: ends, times, and partitions that are not there", "[broker]") {
  Asker asker;
  Partition log(asker.top, "t", 0);
  for (int i = 0; i < 6; ++i) log.add(5);  // timestamps: 1000 and the offset
  log.view.log_start = 3;
  log.view.last_stable = 20;
  asker.publish(log);
  const auto ask = [&](std::int64_t timestamp, std::int8_t isolation = 0, std::int32_t partition = 0) {
    kafka::ListOffsetsRequest request{.isolation_level = isolation};
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.partitions.push_back({.partition_index = partition, .timestamp = timestamp});
    return asker.ask<kafka::ListOffsetsResponse>(8, request).topics.at(0).partitions.at(0);
  };
  CHECK(ask(-1).offset == 30);
  CHECK(ask(-1, 1).offset == 20);
  CHECK(ask(-2).offset == 3);
  CHECK(ask(-4).offset == 3);
  CHECK((ask(-3).offset == 29 && ask(-3).timestamp == 1029));
  CHECK((ask(1012).offset == 12 && ask(1012).timestamp == 1012));
  CHECK(ask(5).offset == 3);
  CHECK((ask(1030).offset == -1 && ask(1030).error_code == ErrorCode::kNone));
  CHECK(ask(1025, 1).offset == -1);
  CHECK(ask(-9).error_code == ErrorCode::kUnsupportedVersion);
  CHECK(ask(-1, 0, 1).error_code == ErrorCode::kUnknownTopicOrPartition);
}

TEST_CASE("nobody writes", "[broker]") {
  Asker asker;
  kafka::ProduceRequest request{.acks = -1};
  auto& topic = request.topic_data.emplace_back();
  topic.name = "t";
  topic.partition_data.push_back({.index = 4});
  const auto response = asker.ask<kafka::ProduceResponse>(9, request);
  const auto& refused = response.responses.at(0).partition_responses.at(0);
  CHECK(
      (refused.index == 4 && refused.error_code == ErrorCode::kPolicyViolation && refused.base_offset == -1));
  CHECK(refused.error_message->find("reading") != std::string::npos);
  request.acks = 0;
  const auto taken = asker.take(9, request);
  CHECK_FALSE((taken.answer.has_value() || taken.call != nullptr));
  CHECK_FALSE(taken.why.empty());
}

TEST_CASE("groups are coordinated here, transactions nowhere", "[broker]") {
  Asker asker;
  for (int version = 0; version <= 4; ++version) {
    kafka::FindCoordinatorRequest request{.key = "g", .coordinator_keys = {"g"}};
    auto response = asker.ask<kafka::FindCoordinatorResponse>(version, request);
    CHECK((version >= 4 ? response.coordinators.at(0).port : response.port) == 9092);
    if (version == 0) continue;
    request.key_type = 1;
    response = asker.ask<kafka::FindCoordinatorResponse>(version, request);
    CHECK((version >= 4 ? response.coordinators.at(0).error_code : response.error_code) ==
          ErrorCode::kCoordinatorNotAvailable);
  }
}
