#include "kafka/codec.h"

#include "catch.h"
#include "kafka/filler.h"
#include "kafka/golden_frames.h"

using namespace sluice;
using namespace sluice::kafka;
using namespace sluice::kafka::testing;

namespace {

// What is wrong with these bytes; "": nothing.
template <typename Message>
std::string_view mistake_in(std::string_view hex, int version, Message& out) {
  std::string_view why;
  const bool good = decode(from_hex(hex), version, out, why);
  CHECK(good == why.empty());
  return why;
}
template <typename Message>
std::string_view mistake_in(std::string_view hex, int version) {
  Message out;
  return mistake_in(hex, version, out);
}

}  // namespace

TEST_CASE("a message that is cut anywhere, or has a byte too many, is refused", "[kafka]") {
  std::size_t cuts = 0;
  for_each_message([&]<typename Message>(std::string_view name, bool request, Message message) {
    for (const golden::Frame& frame : golden::kFrames) {
      if (frame.api != name || frame.request != request) continue;
      INFO(name << (request ? " request " : " response ") << frame.first);
      const std::string whole = from_hex(frame.hex);
      std::string_view why;
      bool all_refused = true;
      for (std::size_t size = 0; size < whole.size(); ++size, ++cuts)
        all_refused =
            all_refused && !decode(std::string_view(whole).substr(0, size), frame.first, message, why);
      CHECK(all_refused);
      CHECK_FALSE(decode(whole + '\0', frame.first, message, why));
      CHECK(why == "there are bytes behind its last field");
    }
  });
  CHECK(cuts > 20'000);
}

TEST_CASE("a list is no longer than its bytes allow, and nothing is allocated for one that claims it",
          "[kafka]") {
  constexpr std::string_view kTooLong = "a list is longer than what is left";
  MetadataRequest metadata;
  CHECK(mistake_in("7fffffff 0001 61", 1, metadata) == kTooLong);
  CHECK(metadata.topics->capacity() == 0);
  CHECK(mistake_in("ffffffff0f 02 61", 9, metadata) == kTooLong);
  CHECK(metadata.topics->capacity() == 0);

  // Two empty names are two bytes each; a third has no room.
  CHECK(mistake_in<DeleteGroupsRequest>("00000002 0000 0000", 0) == "");
  CHECK(mistake_in<DeleteGroupsRequest>("00000003 0000 0000", 0) == kTooLong);
  CHECK(mistake_in<DeleteGroupsRequest>("03 01 01 00", 2) == "");
  CHECK(mistake_in<DeleteGroupsRequest>("05 01 01 00", 2) == kTooLong);
  // A partition of version 4 takes 16 bytes: 15 hold none.
  CHECK(mistake_in<FetchRequest>(
            "ffffffff 00000000 00000000 00000000 00 00000001 0000 00000001" + std::string(30, '0'), 4) ==
        kTooLong);
}

TEST_CASE("lengths that can't be", "[kafka]") {
  constexpr std::string_view kNull = "null where there must be a value";
  CHECK(mistake_in<DeleteGroupsRequest>("ffffffff", 0) == kNull);
  CHECK(mistake_in<DeleteGroupsRequest>("00 00", 2) == kNull);
  CHECK(mistake_in<DeleteGroupsRequest>("00000001 ffff", 0) == kNull);
  CHECK(mistake_in<DeleteGroupsRequest>("02 00 00", 2) == kNull);
  CHECK(mistake_in<DeleteGroupsRequest>("80000000", 0) == "a length is negative");
  CHECK(mistake_in<DeleteGroupsRequest>("00000001 8000", 0) == "a length is negative");
  CHECK(mistake_in<DeleteGroupsRequest>("00000001 7fff", 0) == "it ends within a field");
  CHECK(mistake_in<DeleteGroupsRequest>("8080808080 00", 2) ==
        "a variable-length number is larger than 32 bits");
  CHECK(mistake_in<DeleteGroupsRequest>("ffffffff1f 00", 2) ==
        "a variable-length number is larger than 32 bits");
  CHECK(mistake_in<MetadataRequest>("ffffffff", 0) == kNull);  // null is for later versions
  CHECK(mistake_in<MetadataRequest>("ffffffff", 1) == "");
}

TEST_CASE("a string has at most 32767 bytes, however its length is written; bytes have more", "[kafka]") {
  DeleteGroupsRequest request{.groups_names = {std::string(kLongestString, 'x')}};
  std::string_view why;
  const std::string longest = flat(encode_fields(2, request), "");
  CHECK(decode(longest, 2, request, why));
  // One more: 32769 is 81 80 02.
  const std::string longer = from_hex("02 818002") + std::string(kLongestString + 1, 'x') + '\0';
  CHECK_FALSE(decode(longer, 2, request, why));
  CHECK(why == "a string is longer than 32767 bytes");

  request.groups_names = {
      std::string(100'000, 'x')};  // cut when it is written, so that the frame stays whole
  for (const int version : {0, 2}) {
    DeleteGroupsRequest cut;
    REQUIRE(decode(flat(encode_fields(version, request), ""), version, cut, why));
    CHECK(cut.groups_names[0].size() == kLongestString);
  }
  const SyncGroupResponse assigned{.assignment = std::string(100'000, 'x')};
  for (const int version : {0, 5}) {
    SyncGroupResponse read;
    REQUIRE(decode(flat(encode_fields(version, assigned), ""), version, read, why));
    CHECK(read.assignment == assigned.assignment);
  }
}

TEST_CASE("tagged fields that nobody knows are stepped over at every level", "[kafka]") {
  // Metadata 9: one topic "a" with tag 3 of two bytes; behind the fields tags 0 (empty) and 200.
  MetadataRequest metadata;
  CHECK(mistake_in("02 0261 01 03 02 ffff 01 00 00 02 00 00 c801 01 ee", 9, metadata) == "");
  REQUIRE(metadata.topics->size() == 1);
  CHECK(metadata.topics->front().name == "a");
  CHECK(metadata.allow_auto_topic_creation);

  CHECK(mistake_in<MetadataRequest>("01 01 00 00 02 05 00 05 00", 9) == "tagged fields are out of order");
  CHECK(mistake_in<MetadataRequest>("01 01 00 00 02 05 00 04 00", 9) == "tagged fields are out of order");
  CHECK(mistake_in<MetadataRequest>("01 01 00 00 01 05 02 00", 9) == "it ends within a field");
  CHECK(mistake_in<MetadataRequest>("01 01 00 00 ffffffff0f 00 00", 9) == "it ends within a field");
}

TEST_CASE("a tagged field that is known has exactly the bytes of its value, and counts from its version on",
          "[kafka]") {
  const std::string fields = "00000000 00000000 00000000 00 00000000 ffffffff 01 01 01";  // Fetch since 15
  FetchRequest fetch;
  CHECK(mistake_in(fields + "02 00 02 0263 01 0d 00000007 0000000000000009 00", 15, fetch) == "");
  CHECK(fetch.cluster_id == "c");
  CHECK(fetch.replica_state.replica_id == 7);
  CHECK(fetch.replica_state.replica_epoch == 9);
  // Version 14 has replica_id among its fields, and does not know tag 1.
  CHECK(mistake_in("ffffffff" + fields + "01 01 0d 00000007 0000000000000009 00", 14, fetch) == "");
  CHECK(fetch.replica_state.replica_id == -1);

  CHECK(mistake_in(fields + "01 00 03 0263 00", 15, fetch) == "a tagged field is longer than its value");
  CHECK(mistake_in(fields + "01 00 01 02", 15, fetch) == "it ends within a field");
  CHECK(mistake_in(fields + "01 01 0c 00000007 0000000000000009", 15, fetch) == "it ends within a field");

  // What has its default is not written.
  CHECK(to_hex(flat(encode_fields(15, FetchRequest{}), "")) ==
        to_hex(from_hex("00000000 00000000 7fffffff 00 00000000 ffffffff 01 01 01 00")));
}

TEST_CASE("an answer about versions bears the oldest header, in whatever version it is", "[kafka]") {
  const ApiVersionsResponse response{.api_keys = {{.api_key = 18, .min_version = 0, .max_version = 4}}};
  CHECK(to_hex(flat(encode(9, 3, response), "")) ==
        to_hex(from_hex("00000013 00000009 0000 02 0012 0000 0004 00 00000000 00")));
  // To a client that asked in a version nobody knows.
  const ApiVersionsResponse refusal{.error_code = ErrorCode::kUnsupportedVersion,
                                    .api_keys = response.api_keys};
  CHECK(to_hex(flat(encode(9, 0, refusal), "")) ==
        to_hex(from_hex("00000010 00000009 0023 00000001 0012 0000 0004")));
  // Others have tagged fields in theirs.
  CHECK(to_hex(flat(encode(9, 4, HeartbeatResponse{}), "")) ==
        to_hex(from_hex("0000000c 00000009 00 00000000 0000 00")));
  CHECK(to_hex(flat(encode(9, 3, HeartbeatResponse{}), "")) ==
        to_hex(from_hex("0000000a 00000009 00000000 0000")));
}

TEST_CASE("errors have the names of the protocol", "[kafka]") {
  CHECK(name_of(ErrorCode::kNone) == "NONE");
  CHECK(name_of(ErrorCode::kOffsetOutOfRange) == "OFFSET_OUT_OF_RANGE");
  CHECK(name_of(ErrorCode::kUnknownServerError) == "UNKNOWN_SERVER_ERROR");
  CHECK(name_of(static_cast<ErrorCode>(12345)) == "?");
}
