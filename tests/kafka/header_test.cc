#include "kafka/header.h"

#include "catch.h"
#include "kafka/filler.h"

using namespace sluice::kafka;
using namespace sluice::kafka::testing;

namespace {

struct Read {
  std::string frame;
  RequestHeader header;
  std::string_view why;
  HeaderVerdict verdict;

  explicit Read(std::string_view hex) : frame(from_hex(hex)), verdict(decode_header(frame, header, why)) {}
};

}  // namespace

TEST_CASE("a header and what follows it, as python3-kafka 2.0.2 sends them", "[kafka]") {
  // FetchRequest_v4(-1, 500, 1, 52428800, 0, [("access", [(0, 17, 1048576), (3, 0, 1048576)])]), correlation id 3
  const Read read(
      "0001 0004 00000003 0012 6b61666b612d707974686f6e2d322e302e32"
      "ffffffff 000001f4 00000001 03200000 00 00000001 0006 616363657373 00000002"
      "00000000 0000000000000011 00100000 00000003 0000000000000000 00100000");
  REQUIRE(read.verdict == HeaderVerdict::kOk);
  CHECK(read.header.key == 1);
  CHECK(read.header.version == 4);
  CHECK(read.header.correlation_id == 3);
  CHECK(read.header.client_id == "kafka-python-2.0.2");
  CHECK(read.header.api == &api_of(ApiKey::kFetch));

  FetchRequest request;
  std::string_view why;
  REQUIRE(decode(read.header.body, 4, request, why));
  CHECK(request.replica_id == -1);
  CHECK(request.max_wait_ms == 500);
  CHECK(request.max_bytes == 52428800);
  REQUIRE(request.topics.size() == 1);
  CHECK(request.topics[0].topic == "access");
  REQUIRE(request.topics[0].partitions.size() == 2);
  CHECK(request.topics[0].partitions[0].fetch_offset == 17);
  CHECK(request.topics[0].partitions[1].partition == 3);
  CHECK(request.topics[0].partitions[1].partition_max_bytes == 1048576);
  CHECK(request.topics[0].partitions[1].current_leader_epoch == -1);  // what version 4 lacks has its default
  CHECK(request.session_epoch == -1);
}

TEST_CASE("a header of a flexible version has tagged fields; its client's name keeps its length", "[kafka]") {
  // Metadata 9, client "ab", tag 5 with one byte, then the body.
  const Read read("0003 0009 0000000a 0002 6162 01 05 01 ff 01 01 00 00 00");
  REQUIRE(read.verdict == HeaderVerdict::kOk);
  CHECK(read.header.client_id == "ab");
  CHECK(to_hex(read.header.body) == "0101000000");

  const Read older("0003 0008 0000000a 0002 6162 01 05 01");  // no tagged fields: all of that is the body
  REQUIRE(older.verdict == HeaderVerdict::kOk);
  CHECK(to_hex(older.header.body) == "010501");
}

TEST_CASE("a client without a name, and one with an empty name", "[kafka]") {
  CHECK(Read("0012 0000 00000001 ffff").header.client_id == std::nullopt);
  CHECK(Read("0012 0000 00000001 0000").header.client_id == "");
}

TEST_CASE("an API or a version that is not served is told apart, with the number for an answer", "[kafka]") {
  const Read newer("0012 0063 00000007 ffff");
  CHECK(newer.verdict == HeaderVerdict::kUnknownVersion);
  CHECK(newer.header.api == &api_of(ApiKey::kApiVersions));
  CHECK(newer.header.correlation_id == 7);
  CHECK(Read("0001 0003 00000007 ffff").verdict == HeaderVerdict::kUnknownVersion);
  CHECK(Read("0001 ffff 00000007 ffff").verdict == HeaderVerdict::kUnknownVersion);

  const Read other("0047 0000 00000007 ffff 00");
  CHECK(other.verdict == HeaderVerdict::kUnknownApi);
  CHECK(other.header.key == 0x47);
  CHECK(other.header.api == nullptr);
  CHECK(Read("ffff 0000 00000007 ffff").verdict == HeaderVerdict::kUnknownApi);
}

TEST_CASE("every cut of a header is refused", "[kafka]") {
  const std::string whole = from_hex("0003 0009 0000000a 0002 6162 01 05 01 ff");
  RequestHeader header;
  std::string_view why;
  REQUIRE(decode_header(whole, header, why) == HeaderVerdict::kOk);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    why = "";
    CHECK(decode_header(std::string_view(whole).substr(0, size), header, why) == HeaderVerdict::kMalformed);
    CHECK(why != "");
  }
  CHECK(Read("0003 0009 0000000a fffe 00").verdict == HeaderVerdict::kMalformed);  // a length of -2
}

TEST_CASE("versions that clients look for are advertised", "[kafka]") {
  const auto advertised_as = [](ApiKey key) {
    for (const auto& each : advertised())
      if (each.api_key == static_cast<std::int16_t>(key))
        return std::pair(each.min_version, each.max_version);
    return std::pair(std::int16_t{-1}, std::int16_t{-1});
  };
  using Range = std::pair<std::int16_t, std::int16_t>;
  // librdkafka before 2.11.1 looks for these: Produce 3 with Fetch 4, FindCoordinator 0, ListOffsets 1.
  CHECK(advertised_as(ApiKey::kProduce) == Range(0, 9));
  CHECK(advertised_as(ApiKey::kFetch) == Range(4, 17));
  CHECK(advertised_as(ApiKey::kFindCoordinator).first == 0);
  CHECK(advertised_as(ApiKey::kListOffsets) == Range(1, 8));
  CHECK(advertised_as(ApiKey::kMetadata) == Range(0, 12));
  CHECK(advertised_as(ApiKey::kApiVersions) == Range(0, 4));
  for (const Api& api : kApis) {
    INFO(api.name);
    CHECK(api.min <= api.max);
    CHECK(&api_of(api.key) == &api);  // no key twice
    CHECK(name_of(api.key) == api.name);
  }
}
