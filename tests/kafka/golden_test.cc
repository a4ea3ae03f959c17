#include "kafka/golden_frames.h"

#include "catch.h"
#include "kafka/filler.h"

using namespace sluice::kafka;
using namespace sluice::kafka::testing;

TEST_CASE("every message in every version has the bytes that Apache Kafka's own schemas give it", "[kafka]") {
  const std::string file = file_text();
  std::size_t versions = 0;
  for_each_message([&]<typename Message>(std::string_view name, bool request, const Message&) {
    for (const golden::Frame& frame : golden::kFrames) {
      if (frame.api != name || frame.request != request) continue;
      for (int version = frame.first; version <= frame.last; ++version, ++versions) {
        INFO(name << (request ? " request " : " response ") << version << (frame.nulls ? ", nulls" : ""));
        Message filled, read;
        Filler(version, frame.nulls).fill(filled);
        CHECK(to_hex(flat(encode_fields(version, filled), file)) == frame.hex);

        std::string_view why;
        CHECK(decode(from_hex(frame.hex), version, read, why));
        CHECK(why == "");
        CHECK(Same(version)(read, filled));
      }
    }
  });
  // None is left out: each message has its full form in each version, and most have one with nulls.
  std::size_t served = 0;
  for (const Api& api : kApis) served += 2 * static_cast<std::size_t>(api.max - api.min + 1);
  std::size_t full = 0;
  for (const golden::Frame& frame : golden::kFrames)
    if (!frame.nulls) full += static_cast<std::size_t>(frame.last - frame.first + 1);
  CHECK(full == served);
  CHECK(versions > full);
}
