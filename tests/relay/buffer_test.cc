#include "relay/buffer.h"

#include <string>

#include "catch.h"

using sluice::relay::Buffer;
using sluice::relay::BufferPool;

namespace {

void put(Buffer& buffer, std::string_view text) {
  REQUIRE(buffer.room().size() >= text.size());
  std::memcpy(buffer.room().data(), text.data(), text.size());
  buffer.filled(text.size());
}

}  // namespace

TEST_CASE("a pool hands the last returned block out first and keeps only its spares", "[buffer]") {
  BufferPool pool(64, 1);
  char* a = pool.take();
  char* b = pool.take();
  CHECK(pool.in_use() == 2);
  CHECK(a != b);
  pool.give(a);
  pool.give(b);  // one spare is kept, this one is freed
  CHECK(pool.in_use() == 0);
  char* again = pool.take();
  CHECK(again == a);
  pool.give(again);
}

TEST_CASE("a buffer holds a block only between acquire and release", "[buffer]") {
  BufferPool pool(64, 4);
  {
    Buffer buffer;
    CHECK_FALSE(buffer.holds_block());
    CHECK(buffer.capacity() == 0);
    CHECK(buffer.empty());
    REQUIRE(buffer.acquire(pool));
    CHECK(buffer.capacity() == 64);
    put(buffer, "abc");
    REQUIRE(buffer.acquire(pool));  // it has one: nothing changes
    CHECK(buffer.view() == "abc");
    CHECK(pool.in_use() == 1);
    buffer.release_if_empty();
    CHECK(buffer.holds_block());
    buffer.consume(3);
    buffer.release_if_empty();
    CHECK_FALSE(buffer.holds_block());
    CHECK(pool.in_use() == 0);
    REQUIRE(buffer.acquire(pool));
  }
  CHECK(pool.in_use() == 0);  // destruction gives it back
}

TEST_CASE("a block goes back to the pool it came from", "[buffer]") {
  BufferPool small(64, 4), large(128, 4);
  Buffer buffer;
  REQUIRE(buffer.acquire(small));
  buffer.release();
  REQUIRE(buffer.acquire(large));
  CHECK(buffer.capacity() == 128);
  CHECK(small.in_use() == 0);
  Buffer other;
  REQUIRE(other.acquire(small));
  other = std::move(buffer);
  CHECK(small.in_use() == 0);
  CHECK(large.in_use() == 1);
  other.release();
  CHECK(large.in_use() == 0);
}

TEST_CASE("used bytes make room only when compacted or all used", "[buffer]") {
  BufferPool pool(8, 1);
  Buffer buffer;
  REQUIRE(buffer.acquire(pool));
  put(buffer, "abcdefgh");
  CHECK(buffer.room().empty());
  buffer.consume(3);
  CHECK(buffer.view() == "defgh");
  CHECK(buffer.room().empty());
  buffer.compact();
  CHECK(buffer.view() == "defgh");
  CHECK(buffer.room().size() == 3);
  buffer.consume(5);
  CHECK(buffer.room().size() == 8);  // an empty one starts at the front again
}

TEST_CASE("moving a buffer moves its bytes and leaves nothing behind", "[buffer]") {
  BufferPool pool(64, 1);
  Buffer from;
  REQUIRE(from.acquire(pool));
  put(from, "abc");
  from.consume(1);
  Buffer to(std::move(from));
  CHECK(to.view() == "bc");
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): what is left is the point
  CHECK_FALSE(from.holds_block());
  CHECK(from.empty());
  CHECK(pool.in_use() == 1);
}
