#include "log/compression.h"

#include <random>

#include "catch.h"
#include "log/written_by_others.h"

using namespace sluice;
using log::Codec;

namespace {

constexpr std::size_t kPlenty = 64 << 20;

struct Plain {
  bool ok = false;
  std::string bytes;
  std::string_view why;
};

Plain plain_of(Codec codec, std::string_view in, std::size_t limit = kPlenty) {
  Plain plain;
  plain.ok = log::decompress(codec, in, limit, plain.bytes, plain.why);
  return plain;
}

std::string some_text(std::size_t size) {
  std::mt19937 random(static_cast<unsigned>(size));
  std::string text;
  while (text.size() < size)
    text += "word" + std::to_string(random() % 5000) + (random() % 7 == 0 ? "\n" : " ");
  text.resize(size);
  return text;
}

}  // namespace

TEST_CASE("codecs give back what they were given", "[log]") {
  const Codec codec = GENERATE(Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd);
  CAPTURE(log::name_of(codec));
  for (const std::size_t size : {0u, 1u, 100u, 32768u, 32769u, 65536u, 1000000u}) {
    const std::string text = some_text(size), small = log::compress(codec, text);
    CHECK((plain_of(codec, small).ok && plain_of(codec, small).bytes == text));
    CHECK((plain_of(codec, small, size).ok &&
           plain_of(codec, small, size).bytes == text));  // exactly the limit
    if (size == 0) continue;
    const Plain larger = plain_of(codec, small, size - 1);
    CHECK_FALSE(larger.ok);
    CHECK(larger.why == "it is larger than allowed");
  }
  const std::string zeros(10 << 20, '\0');  // 10,000 times smaller, with some
  CHECK_FALSE(plain_of(codec, log::compress(codec, zeros), 1 << 20).ok);
}

TEST_CASE("what is cut or changed can't be decompressed, or is something else", "[log]") {
  const Codec codec = GENERATE(Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd);
  CAPTURE(log::name_of(codec));
  const std::string text = some_text(3000), small = log::compress(codec, text);
  for (std::size_t cut = 0; cut < small.size(); ++cut) {
    const Plain plain = plain_of(codec, small.substr(0, cut));
    // A framing without an end of its own may be cut between its blocks: then there is less.
    CHECK((!plain.ok || (codec == Codec::kSnappy && plain.bytes.empty())));
    CHECK((plain.ok || !plain.why.empty()));
  }
  std::mt19937 random(9);
  for (int i = 0; i < 2000; ++i) {
    std::string other = small;
    other[random() % other.size()] = static_cast<char>(random());
    CHECK(plain_of(codec, other, 100000).bytes.size() <= 100001);
  }
  CHECK_FALSE(plain_of(codec, "something else altogether, and long enough").ok);
}

TEST_CASE("gzip may have several members", "[log]") {
  const std::string two = log::compress(Codec::kGzip, "one, ") + log::compress(Codec::kGzip, "two");
  CHECK(plain_of(Codec::kGzip, two).bytes == "one, two");
  CHECK_FALSE(plain_of(Codec::kGzip, two + "x").ok);
}

TEST_CASE("snappy comes in xerial's framing or bare, and is written in the former", "[log]") {
  const std::string bare = testing::from_hex("0a10") + "hello" + testing::from_hex("0505");
  REQUIRE(plain_of(Codec::kSnappy, bare).ok);
  CHECK(plain_of(Codec::kSnappy, bare).bytes == "hellohello");
  const std::string framed = log::compress(Codec::kSnappy, some_text(70000));
  CHECK(framed.starts_with(testing::from_hex("82534e41505059000000000100000001")));
  // Streams one after the other are one.
  const std::string two = log::compress(Codec::kSnappy, "one, ") + log::compress(Codec::kSnappy, "two");
  CHECK(plain_of(Codec::kSnappy, two).bytes == "one, two");
  // A block that claims more than it has is refused before there is memory for it.
  CHECK(plain_of(Codec::kSnappy, testing::from_hex("ffffffff0f00")).why == "it is larger than allowed");
}

TEST_CASE("lz4 heads may have a wrong checksum, and nothing else wrong", "[log]") {
  std::string frame = log::compress(Codec::kLz4, some_text(500));
  CHECK(frame.starts_with(testing::from_hex("04224d18604082")));  // as Java writes it
  for (const char sum : {'\x1a', '\0', '\x82'}) {
    frame[6] = sum;
    CHECK(plain_of(Codec::kLz4, frame).bytes == some_text(500));
  }
  CHECK_FALSE(plain_of(Codec::kLz4, frame + "x").ok);
  // With the size of its content in the head, by the lz4 program.
  CHECK(
      plain_of(Codec::kLz4,
               testing::from_hex(
                   "04224d186c40100000000000000083100000806c7a3420636f6e74656e742073697a650000000013c81679"))
          .bytes == "lz4 content size");
}

TEST_CASE("codecs have names", "[log]") {
  for (const std::string_view name : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    REQUIRE(log::codec_named(name));
    CHECK(log::name_of(*log::codec_named(name)) == name);
  }
  CHECK_FALSE(log::codec_named("brotli"));
  CHECK(log::name_of(static_cast<Codec>(5)) == "unknown");
  CHECK_FALSE(plain_of(static_cast<Codec>(7), "x").ok);
  CHECK_THROWS_AS(log::compress(static_cast<Codec>(6), "x"), std::runtime_error);
}
