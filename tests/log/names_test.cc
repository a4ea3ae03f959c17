#include "log/names.h"

#include "catch.h"
#include "log/checkpoints.h"
#include "log/uuid.h"
#include "scratch_directory.h"

using namespace sluice;

TEST_CASE("a partition's directory is split at the last dash", "[log-names]") {
  struct Case {
    std::string_view name, topic;
    std::int32_t index;
  };
  for (const Case& c :
       {Case{"t-0", "t", 0}, Case{"a-b-12", "a-b", 12}, Case{"a.b_c--3", "a.b_c-", 3},
        Case{"__consumer_offsets-49", "__consumer_offsets", 49}, Case{"7-99999", "7", 99999}}) {
    INFO(c.name);
    const auto name = log::partition_named(c.name);
    REQUIRE(name);
    CHECK(name->topic == c.topic);
    CHECK(name->index == c.index);
    CHECK(log::directory_of(c.topic, c.index) == c.name);
  }
  for (const std::string& name :
       {std::string("t"), std::string("t-"), std::string("-0"), std::string("t-01"), std::string("t-+1"),
        std::string("t-0x"), std::string("t 1-0"), std::string("t-0.5f3e-delete"),
        std::string("t-0.5f3e-future"), std::string("t-0.5f3e-stray"), std::string("__cluster_metadata-0"),
        std::string("..-0"), std::string("t-100000"), std::string("t-4294967296"),
        std::string(250, 't') + "-0"}) {
    INFO(name);
    CHECK_FALSE(log::partition_named(name));
  }
  CHECK(log::partition_named(std::string(249, 't') + "-0"));
}

TEST_CASE("a segment's files bear its base offset in twenty digits", "[log-names]") {
  using log::FileKind;
  const auto log = log::log_file_named("00000000000000000042.log");
  REQUIRE(log);
  CHECK(log->offset == 42);
  CHECK(log->kind == FileKind::kLog);
  CHECK(log::log_file_named("09223372036854775807.index")->offset == INT64_MAX);
  CHECK(log::log_file_named("00000000000000000000.timeindex")->kind == FileKind::kTimeIndex);
  CHECK(log::log_file_named("00000000000000000000.txnindex")->kind == FileKind::kTransactionIndex);
  CHECK(log::log_file_named("00000000000000000000.snapshot")->kind == FileKind::kSnapshot);
  for (const char* name : {"00000000000000000042.log.deleted", "00000000000000000042.log.cleaned",
                           "00000000000000000042.log.swap", "00000000000000000042.index.deleted", "42.log",
                           "0000000000000000004x.log", "-0000000000000000042.log", "99999999999999999999.log",
                           "00000000000000000042", "00000000000000000042.", "leader-epoch-checkpoint",
                           "partition.metadata", ""}) {
    INFO(name);
    CHECK_FALSE(log::log_file_named(name));
  }
  CHECK(log::file_of(42, FileKind::kLog) == "00000000000000000042.log");
  CHECK(log::path_of("/d/t-0", INT64_MAX, FileKind::kSnapshot) == "/d/t-0/09223372036854775807.snapshot");
}

TEST_CASE("ids are 22 characters of URL-safe base64", "[uuid]") {
  // The text of Kafka's Uuid(0x0102030405060708, 0xf9fafbfcfdfeff00).
  const log::Uuid id = {1, 2, 3, 4, 5, 6, 7, 8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, 0};
  CHECK(log::uuid_text(id) == "AQIDBAUGBwj5-vv8_f7_AA");
  CHECK(log::uuid_from_text("AQIDBAUGBwj5-vv8_f7_AA") == id);
  CHECK(log::uuid_from_text(log::uuid_text({})) == log::Uuid{});
  for (const char* text :
       {"", "AQIDBAUGBwj5-vv8_f7_A", "AQIDBAUGBwj5-vv8_f7_AAA", "AQIDBAUGBwj5+vv8/f7/AA"}) {
    CHECK_FALSE(log::uuid_from_text(text));
  }
}

TEST_CASE("what a broker's text files say", "[checkpoints]") {
  CHECK(log::parse_topic_id("version: 0\ntopic_id: AQIDBAUGBwj5-vv8_f7_AA")[0] == 1);
  CHECK(log::parse_topic_id("version: 0\ntopic_id: AQIDBAUGBwj5-vv8_f7_AA\n")[15] == 0);
  CHECK(log::parse_topic_id("version: 1\ntopic_id: AQIDBAUGBwj5-vv8_f7_AA\n") == log::Uuid{});
  CHECK(log::parse_topic_id("version: 0\n") == log::Uuid{});
  CHECK(log::parse_topic_id("") == log::Uuid{});

  const auto offsets = log::parse_offsets("0\n2\na-b 0 17\nt 12 9000000000\n");
  CHECK(offsets.size() == 2);
  CHECK(offsets.find("a-b-0")->second == 17);
  CHECK(offsets.find("t-12")->second == 9'000'000'000);
  for (const char* text :
       {"", "0\n", "1\n1\nt 0 1\n", "0\n2\nt 0 1\n", "0\n1\nt 0\n", "0\n1\nt 0 x\n", "0\n0\nt 0 1\n"}) {
    INFO(text);
    CHECK(log::parse_offsets(text).empty());
  }
  const std::string properties =
      "#Sat Nov 21 11:00:00 UTC 2026\r\nnode.id=1\r\ncluster.id = Some-Cluster_Id\r\n";
  CHECK(log::property(properties, "cluster.id") == "Some-Cluster_Id");
  CHECK(log::property(properties, "broker.id").empty());
}

TEST_CASE("only a file's text is read", "[checkpoints]") {
  const testing::ScratchDirectory directory;
  CHECK(log::read_text(directory.write("x", "hello")) == "hello");
  CHECK(log::read_text(directory.write("empty", "")) == "");
  CHECK_FALSE(log::read_text(directory / "nothing"));
  CHECK_FALSE(log::read_text(directory.make_directory("d")));
}
