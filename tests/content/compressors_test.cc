#include "content/compressors.h"

#include <random>
#include <string>

#include "catch.h"
#include "content/decoders.h"
#include "relay/ends.h"

namespace sluice::content {
namespace {

using config::Coding;
using testing::decode;

std::string text(std::size_t size) {
  std::mt19937 random(11);
  std::string out;
  while (out.size() < size)
    out += "word" + std::to_string(random() % 3000) + (random() % 9 == 0 ? ".\n" : " ");
  out.resize(size);
  return out;
}

std::string noise(std::size_t size) {
  std::mt19937 random(12);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

// Feeds `body` in pieces of up to `in` bytes into rooms of up to `room`, with a flush now and then if `flushes`; each
// flush must make decodable what was given so far.
std::string compress(Compressors::Lease& compressor, std::string_view body, std::size_t in, std::size_t room,
                     bool flushes = false) {
  std::mt19937 random(13);
  std::string out;
  std::vector<char> block(room);
  std::size_t given = 0;
  const auto run = [&](std::string_view piece, Flush flush) {
    for (int idle = 0;;) {
      const std::size_t most = std::min(room, 16 + random() % room);
      const Progress progress = compressor->step(piece, {block.data(), most}, flush);
      REQUIRE_FALSE(progress.failed);
      out.append(block.data(), progress.made);
      piece.remove_prefix(progress.taken);
      if (progress.complete) {
        REQUIRE(piece.empty());
        return;
      }
      idle = progress.made + progress.taken == 0 ? idle + 1 : 0;
      REQUIRE(idle < 2);
    }
  };
  while (given < body.size()) {
    const std::size_t n = std::min(body.size() - given, 1 + random() % in);
    run(body.substr(given, n), Flush::kNone);
    given += n;
    if (flushes && random() % 4 == 0) {
      run({}, Flush::kSync);
      CAPTURE(static_cast<int>(compressor->coding()), room, given, out.size());
      const std::string told = decode(compressor->coding(), out).text;
      REQUIRE(told.size() == given);
      REQUIRE((told == body.substr(0, given)));
    }
  }
  run({}, Flush::kEnd);
  return out;
}

TEST_CASE("what is compressed decodes to the very bytes", "[coding]") {
  const Coding coding = GENERATE(Coding::kZstd, Coding::kBrotli, Coding::kGzip);
  const unsigned level = GENERATE(0U, 1U, 9U, 1000U);
  CAPTURE(static_cast<int>(coding), level);
  if (coding != Coding::kGzip && level == 1000)
    return;  // for archives: seconds, and brought into range likewise
  Compressors compressors;
  for (const bool told : {false, true})
    for (const std::string& body :
         {std::string(), std::string("x"), text(3000), text(700'000), noise(200'000)}) {
      const auto length = told ? std::optional<std::uint64_t>(body.size()) : std::nullopt;
      Compressors::Lease compressor = compressors.take(coding, level, length);
      REQUIRE(compressor.valid());
      const std::string coded = compress(compressor, body, 70'000, 9000);
      const testing::Decoded decoded = decode(coding, coded);
      CHECK(decoded.whole);
      CHECK((decoded.text == body));
      CHECK(coded.size() < body.size() + body.size() / 100 + 64);  // noise grows by next to nothing
      if (body.size() == 700'000) CHECK(coded.size() < body.size() / 2);
    }
}

TEST_CASE("a flush makes all of it decodable, through any room", "[coding]") {
  const Coding coding = GENERATE(Coding::kZstd, Coding::kBrotli, Coding::kGzip);
  Compressors compressors;
  Compressors::Lease compressor = compressors.take(coding, 0, {});
  const std::string body = text(60'000) + noise(5000) + text(5000);
  const std::string coded = compress(compressor, body, 4000, GENERATE(16U, 40U, 5000U), true);
  const testing::Decoded decoded = decode(coding, coded);
  CHECK(decoded.whole);
  CHECK((decoded.text == body));
}

TEST_CASE("a compressor that served one body serves the next, at another level", "[coding]") {
  const Coding coding = GENERATE(Coding::kZstd, Coding::kBrotli, Coding::kGzip);
  Compressors compressors(8, 1);
  std::string first;
  for (const unsigned level : {0U, 7U, 1U, 0U}) {
    const std::string body = text(50'000);
    Compressors::Lease compressor = compressors.take(coding, level, {});
    const std::string coded = compress(compressor, body, 70'000, 70'000);
    CHECK((decode(coding, coded).text == body));
    if (level == 0 && !first.empty()) CHECK((coded == first));  // nothing of the others is left in it
    if (first.empty()) first = coded;
    // One that was broken off leaves nothing either.
    Compressors::Lease cut = compressors.take(coding, 1, 1'000'000);
    std::array<char, 64> room;
    (void)cut->step(body, room, Flush::kNone);
  }
}

TEST_CASE("there are only so many at a time", "[coding]") {
  Compressors compressors(2, 1);
  {
    const Compressors::Lease a = compressors.take(Coding::kGzip, 0, {});
    Compressors::Lease b = compressors.take(Coding::kZstd, 0, {});
    CHECK(compressors.in_use() == 2);
    CHECK_FALSE(compressors.take(Coding::kBrotli, 0, {}).valid());
    const Compressors::Lease moved = std::move(b);
    CHECK(moved.valid());
    CHECK(compressors.in_use() == 2);
  }
  CHECK(compressors.in_use() == 0);
  CHECK(compressors.take(Coding::kBrotli, 0, {}).valid());
}

}  // namespace
}  // namespace sluice::content
