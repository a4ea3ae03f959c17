#include "observe/sum.h"

#include <algorithm>
#include <set>

#include "catch.h"
#include "observe/log.h"

using namespace sluice;
using namespace std::chrono_literals;

TEST_CASE("sums add the workers up, under fixed snake_case names", "[sum]") {
  observe::Counters a, b;
  a.accepted.add(3);
  b.accepted.add(4);
  b.bodies_by_path[2].add(5);
  a.bytes_by_path[1].add(6);
  b.bodies_by_reason[1].add(7);
  a.bytes_after_coding[2].add(10);
  a.endings[static_cast<std::size_t>(observe::Ending::kClientGone)].add(8);
  b.log_lines_dropped.add(9);
  const observe::Counters* const workers[] = {&a, &b};
  const char* const strategies[] = {"none", "buffered", "splice"};
  const char* const reasons[] = {"no-body", "came-with-head"};
  const char* const codings[] = {"zstd", "br", "gzip"};
  const observe::Sums sums = observe::sum(workers, strategies, reasons, codings);

  const auto value = [&](std::string_view name) -> std::int64_t {
    const auto found = std::find_if(sums.begin(), sums.end(), [&](const auto& s) { return s.first == name; });
    return found == sums.end() ? -1 : static_cast<std::int64_t>(found->second);
  };
  CHECK(sums.front().first == "accepted");
  CHECK(value("accepted") == 7);
  CHECK(value("clients") == 0);
  CHECK(value("bodies_by_path_splice") == 5);
  CHECK(value("bytes_by_path_buffered") == 6);
  CHECK(value("bodies_by_reason_came_with_head") == 7);
  CHECK(value("bytes_after_coding_gzip") == 10);
  CHECK(value("bytes_before_coding_gzip") == 0);
  CHECK(value("endings_client_gone") == 8);
  CHECK(value("log_lines_dropped") == 9);
  CHECK(value("endings_internal") == 0);

  // Every counter is listed: the plain ones, then two of each strategy, three of each coding, one of each reason and
  // ending.
  const std::size_t arrays =
      2 * observe::kStrategies + 3 * observe::kCodings + observe::kReasons + observe::kEndings;
  const std::size_t used = sizeof(observe::Counters) / sizeof(observe::Counter);
  const std::size_t plain = sums.size() - 2 * 3 - 3 * 3 - 2 - observe::kEndings;
  CHECK(plain + arrays <= used);
  CHECK(plain + arrays > used - 8);  // what alignas(64) pads
}

TEST_CASE("every ending has a name of its own", "[ending]") {
  std::set<std::string> names;
  for (std::size_t i = 0; i < observe::kEndings; ++i)
    names.insert(observe::name_of(static_cast<observe::Ending>(i)));
  CHECK(names.size() == observe::kEndings);
  CHECK(names.count("unknown") == 0);
}

TEST_CASE("a throttle passes one message in a while and tells how many it held", "[log]") {
  observe::Throttle throttle(1s);
  const os::Time start{};
  CHECK(throttle.pass(start) == std::optional<std::uint64_t>(0));
  CHECK_FALSE(throttle.pass(start + 1ms).has_value());
  CHECK_FALSE(throttle.pass(start + 999ms).has_value());
  CHECK(throttle.pass(start + 1s) == std::optional<std::uint64_t>(2));
  CHECK_FALSE(throttle.pass(start + 1s).has_value());
}
