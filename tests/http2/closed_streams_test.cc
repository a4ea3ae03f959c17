#include "http2/closed_streams.h"

#include "catch.h"

using sluice::http2::ClosedStreams;

TEST_CASE("the streams that ended last are remembered, older ones forgotten", "[http2]") {
  ClosedStreams closed;
  CHECK_FALSE(closed.has_ended(0));
  for (int id = 1; id <= 41; id += 2) closed.ended(id);
  CHECK(closed.has_ended(41));
  CHECK(closed.has_ended(11));
  CHECK_FALSE(closed.has_ended(9));
  CHECK_FALSE(closed.has_ended(43));
}

TEST_CASE("streams that were skipped can't be opened any more", "[http2]") {
  ClosedStreams closed;
  CHECK_FALSE(closed.was_skipped(1));
  closed.opened(1);
  closed.opened(3);
  CHECK_FALSE(closed.was_skipped(1));
  closed.opened(9);
  CHECK_FALSE(closed.was_skipped(3));
  CHECK(closed.was_skipped(5));
  CHECK(closed.was_skipped(7));
  CHECK_FALSE(closed.was_skipped(9));
  CHECK_FALSE(closed.was_skipped(11));
  closed.opened(0x7fffffff);
  CHECK(closed.was_skipped(11));
  CHECK_FALSE(closed.was_skipped(0x7fffffff));
}

TEST_CASE("the first stream may be any", "[http2]") {
  ClosedStreams closed;
  closed.opened(5);
  CHECK(closed.was_skipped(1));
  CHECK(closed.was_skipped(3));
  CHECK_FALSE(closed.was_skipped(5));
}
