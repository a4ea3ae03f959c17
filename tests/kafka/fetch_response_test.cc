// Fetch responses byte by byte: what stands before, between and behind the records, which are ranges of files.
#include "base/big_endian.h"
#include "catch.h"
#include "kafka/filler.h"

using namespace sluice;
using namespace sluice::kafka;
using namespace sluice::kafka::testing;

namespace {

constexpr std::string_view kFile = "0123456789abcdefghij";

relay::FileRange slice(std::uint64_t offset, std::uint64_t length) {
  static const auto file = std::make_shared<relay::File>(os::UniqueFd(), kFile.size());
  return {.file = file, .offset = offset, .length = length};
}

// Topic "t": partition 0 with two segments' batches, 1 with an error, 2 with a last batch. Committed records only.
FetchResponse example() {
  FetchResponse::Topic topic{.topic = "t", .topic_id = {}};
  topic.topic_id[15] = 9;
  topic.partitions = {
      {.partition_index = 0,
       .high_watermark = 5,
       .last_stable_offset = 4,
       .log_start_offset = 1,
       .aborted_transactions = {{{.producer_id = 6, .first_offset = 2}}},
       .records = {.ranges = {slice(0, 3), slice(10, 4)}, .bytes = 7}},
      {.partition_index = 1, .error_code = ErrorCode::kOffsetOutOfRange},
      {.partition_index = 2,
       .high_watermark = 8,
       .last_stable_offset = 8,
       .log_start_offset = 0,
       .aborted_transactions = std::vector<FetchResponse::AbortedTransaction>(),
       .records = {.ranges = {slice(18, 2)}, .bytes = 2}},
  };
  return {.throttle_time_ms = 0, .responses = {topic}};
}

// The frame's bytes without its size, which is checked.
std::string frame(int version, const FetchResponse& response) {
  const std::string whole = flat(encode(77, version, response), kFile);
  REQUIRE(whole.size() > 4);
  CHECK(load_big_endian<std::uint32_t>(whole.data()) == whole.size() - 4);
  return to_hex(whole.substr(4));
}

std::string hex_of(std::string_view text) { return to_hex(text); }
std::string hex(std::string_view spaced) { return to_hex(from_hex(spaced)); }

}  // namespace

TEST_CASE("Fetch 4: nothing follows the last record", "[kafka]") {
  CHECK(frame(4, example()) == hex("0000004d 00000000 00000001 0001 74 00000003"
                                   "00000000 0000 0000000000000005 0000000000000004 00000001 "
                                   "0000000000000006 0000000000000002 00000007") +
                                   hex_of("012abcd") +
                                   hex("00000001 0001 ffffffffffffffff ffffffffffffffff ffffffff 00000000"
                                       "00000002 0000 0000000000000008 0000000000000008 00000000 00000002") +
                                   hex_of("ij"));
}

TEST_CASE("Fetch 11: sessions, log start and preferred replica", "[kafka]") {
  CHECK(
      frame(11, example()) ==
      hex("0000004d 00000000 0000 00000000 00000001 0001 74 00000003"
          "00000000 0000 0000000000000005 0000000000000004 0000000000000001"
          "00000001 0000000000000006 0000000000000002 ffffffff 00000007") +
          hex_of("012abcd") +
          hex("00000001 0001 ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffff ffffffff 00000000"
              "00000002 0000 0000000000000008 0000000000000008 0000000000000000 00000000 ffffffff 00000002") +
          hex_of("ij"));
}

TEST_CASE("Fetch 12: lengths are one more, and each level ends with its tagged fields", "[kafka]") {
  CHECK(frame(12, example()) ==
        hex("0000004d 00 00000000 0000 00000000 02 02 74 04"
            "00000000 0000 0000000000000005 0000000000000004 0000000000000001"
            "02 0000000000000006 0000000000000002 00 ffffffff 08") +
            hex_of("012abcd") +
            hex("00 00000001 0001 ffffffffffffffff ffffffffffffffff ffffffffffffffff 00 ffffffff 01 00"
                "00000002 0000 0000000000000008 0000000000000008 0000000000000000 01 ffffffff 03") +
            hex_of("ij") + hex("00 00 00"));
}

TEST_CASE("Fetch 13 to 17: topics are ids", "[kafka]") {
  for (const int version : {13, 14, 15, 16, 17}) {
    INFO(version);
    CHECK(frame(version, example()) ==
          hex("0000004d 00 00000000 0000 00000000 02 00000000000000000000000000000009 04"
              "00000000 0000 0000000000000005 0000000000000004 0000000000000001"
              "02 0000000000000006 0000000000000002 00 ffffffff 08") +
              hex_of("012abcd") +
              hex("00 00000001 0001 ffffffffffffffff ffffffffffffffff ffffffffffffffff 00 ffffffff 01 00"
                  "00000002 0000 0000000000000008 0000000000000008 0000000000000000 01 ffffffff 03") +
              hex_of("ij") + hex("00 00 00"));
  }
}

TEST_CASE("a leader is told in a tag, when there is one", "[kafka]") {
  FetchResponse response{
      .responses = {{.topic = "t", .partitions = {{.error_code = ErrorCode::kFencedLeaderEpoch}}}}};
  response.responses[0].partitions[0].current_leader = {.leader_id = 1, .leader_epoch = 6};
  CHECK(frame(12, response) ==
        hex("0000004d 00 00000000 0000 00000000 02 02 74 02"
            "00000000 004a ffffffffffffffff ffffffffffffffff ffffffffffffffff 00 ffffffff 01"
            "01 01 09 00000001 00000006 00 00 00"));
}

TEST_CASE("a response is as few pieces as it can be: text is joined between the ranges", "[kafka]") {
  const auto kinds = [](const relay::Body& body) {
    std::string found;
    for (const relay::Piece& piece : body) found += std::holds_alternative<std::string>(piece) ? 't' : 'f';
    return found;
  };
  CHECK(kinds(encode(1, 11, example())) == "tfftf");
  CHECK(kinds(encode(1, 12, example())) == "tfftft");
  CHECK(kinds(encode(1, 12, FetchResponse{})) == "t");
}

TEST_CASE("a response larger than a frame's size can say is not made", "[kafka]") {
  FetchResponse response = example();
  response.responses[0].partitions[2].records.ranges = {slice(0, 0x7fffffff)};
  CHECK(encode(1, 12, response).empty());
}
