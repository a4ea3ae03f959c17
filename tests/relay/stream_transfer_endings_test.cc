// How a body ends other than well, and what is left then: a cut is visible, and nothing is kept.
#include "relay/ends.h"

using namespace sluice;
using namespace sluice::testing;
using relay::Force;
using relay::Shape;
using relay::StreamPlan;
using relay::StreamTransfer;

namespace {

const bool kSpliceBuilt = os::kernel_paths().splice;

std::string payload_of(const std::string& out, bool chunk_out) { return chunk_out ? unchunk(out).body : out; }

}  // namespace

TEST_CASE("source ends early: what came is delivered, and it is never taken for the whole",
          "[stream-transfer]") {
  const std::string body = pattern(120'000);
  const std::string whole = chunked(body, {50'000});
  struct Case {
    const char* what;
    StreamPlan plan;
    std::string wire;
    std::size_t delivered;
  };
  const std::vector<Case> cases = {
      {"one byte of a length is missing", {.in = Shape::kLength, .length = 120'001}, body, 120'000},
      {"nothing of a length came", {.in = Shape::kLength, .length = 9}, "", 0},
      {"in the middle of a chunk", {.in = Shape::kChunk}, whole.substr(0, 30'000), 30'000 - 6},
      {"in the middle of the second chunk", {.in = Shape::kChunk}, whole.substr(0, 70'000), 70'000 - 14},
      {"one byte of a chunk is missing", {.in = Shape::kChunk}, whole.substr(0, 6 + 49'999), 49'999},
      {"behind a chunk's data", {.in = Shape::kChunk}, whole.substr(0, 6 + 50'000), 50'000},
      {"behind a chunk", {.in = Shape::kChunk}, whole.substr(0, 6 + 50'000 + 2), 50'000},
      {"in a chunk size", {.in = Shape::kChunk}, whole.substr(0, 6 + 50'000 + 4), 50'000},
      {"behind the last chunk's size line",
       {.in = Shape::kChunk},
       whole.substr(0, whole.size() - 2),
       120'000},
      {"before the very last byte", {.in = Shape::kChunk}, whole.substr(0, whole.size() - 1), 120'000},
      {"nothing of a chunk came", {.in = Shape::kChunk}, "", 0},
  };
  Worker worker;
  for (const Case& c : cases)
    for (const Force force : {Force::kNothing, Force::kBuffered, Force::kSplice})
      for (const bool chunk_out : {false, true})
        for (const std::size_t write : {0UL, 11'000UL}) {
          INFO(c.what << ", force " << static_cast<int>(force) << ", chunk out " << chunk_out << ", pieces "
                      << write);
          StreamPlan plan = c.plan;
          plan.chunk_out = chunk_out;
          plan.policy.force = force;
          End source(worker, Transport::kTcp), sink(worker, Transport::kUnix);
          StreamTransfer transfer(worker.relay, plan);
          const Played got = play(worker, source, sink, transfer, c.wire, true,
                                  {.write = write, .budget = write == 0 ? 1_MiB : 30'000});
          CHECK_FALSE(got.stuck);
          CHECK(got.last == Step::kTruncated);
          CHECK((payload_of(got.out, chunk_out) == body.substr(0, c.delivered)));
          CHECK(transfer.delivered() == c.delivered);
          CHECK_FALSE(transfer.source_done());
          if (chunk_out) CHECK_FALSE(unchunk(got.out).complete);
          source.held.release();
        }
  CHECK(worker.idle());
}

TEST_CASE("source ends before its first byte: the head is still unsent, so another answer is possible",
          "[stream-transfer]") {
  const Shape shape = GENERATE(values({Shape::kLength, Shape::kChunk}));
  Worker worker;
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  source.finish();
  worker.turn();
  StreamTransfer transfer(worker.relay, {.in = shape, .length = 100'000});
  CHECK(transfer.step(source.socket, source.held, sink.socket, 1_MiB, "HEAD").step == Step::kTruncated);
  CHECK_FALSE(transfer.sink_touched());
  CHECK(sink.read().empty());
}

TEST_CASE("a reset is no end, not even where closing is one", "[stream-transfer]") {
  const Shape shape = GENERATE(values({Shape::kLength, Shape::kChunk, Shape::kUntilClose, Shape::kTunnel}));
  const Force force = GENERATE(values({Force::kBuffered, Force::kSplice}));
  INFO("shape " << static_cast<int>(shape) << ", force " << static_cast<int>(force));
  Worker worker;
  End source(worker, Transport::kTcp), sink(worker, Transport::kUnix);
  StreamTransfer transfer(worker.relay,
                          {.in = shape, .length = 100'000, .chunk_out = true, .policy = {.force = force}});
  const Played before =
      play(worker, source, sink, transfer, shape == Shape::kChunk ? "5\r\nhel" : "hel", false);
  CHECK(before.last == Step::kSourceDry);
  source.reset();
  const Played got = play(worker, source, sink, transfer, "", false);
  CHECK(got.last == Step::kSourceFailed);
  CHECK(got.error == ECONNRESET);
  CHECK_FALSE(unchunk(before.out + got.out).complete);
  CHECK(worker.idle());
}

TEST_CASE("a reset that was told to a writer is no end for the reader either", "[stream-transfer]") {
  Worker worker;
  for (const Force force : {Force::kBuffered, Force::kSplice}) {
    INFO("force " << static_cast<int>(force));
    End client(worker, Transport::kTcp), server(worker, Transport::kTcp);
    const std::string answer = "half an answer";
    REQUIRE(server.write(answer) == answer.size());
    server.reset();
    // The request meets the reset: the kernel tells it once, and says "end of stream" from then on.
    StreamTransfer request(worker.relay, {.in = Shape::kUntilClose});
    StepResult sent{.step = Step::kMoved};
    REQUIRE(client.write("a request") != 0);
    for (int i = 0; i < 1000 && goes_on(sent.step); ++i) {
      worker.turn();
      sent = request.step(client.socket, client.held, server.socket, 1_MiB);
    }
    REQUIRE(sent.step == Step::kSinkFailed);
    REQUIRE(sent.error == ECONNRESET);
    StreamTransfer response(worker.relay,
                            {.in = Shape::kUntilClose, .chunk_out = true, .policy = {.force = force}});
    const Played got = play(worker, server, client, response, {}, false);
    CHECK(got.last == Step::kSourceFailed);
    CHECK_FALSE(unchunk(got.out).complete);
  }
}

TEST_CASE("a broken chunk is malformed at once, after the bytes before it", "[stream-transfer]") {
  struct Case {
    std::string wire;
    std::size_t good;
  };
  const std::string body = pattern(40'000);
  const std::string good = hex(40'000) + "\r\n" + body;
  const std::vector<Case> cases = {
      {"x", 0},
      {"\r\n", 0},
      {"-1\r\n", 0},
      {good + "X", 40'000},
      {good + "\r\nzz", 40'000},
      {good + "\r\n0\r\n\rX", 40'000},
      {good + "\r\n0\r\nA\n", 40'000},
      {good + "\r\n10000000000000000\r\n", 40'000},
      {"3\r\n" + body.substr(0, 3) + "\r\nzz", 3},
      {"3\r\n" + body.substr(0, 3) + "\r\n2\r\n" + body.substr(3, 2) + "x", 5},
  };
  Worker worker;
  for (const Case& c : cases)
    for (const Force force : {Force::kBuffered, Force::kSplice})
      for (const bool chunk_out : {false, true})
        for (const std::size_t write : {0UL, 1UL, 9000UL}) {
          if (write == 1 && c.wire.size() > 1000) continue;  // byte by byte: the short ones show it
          INFO(c.wire.substr(c.wire.size() < 20 ? 0 : c.wire.size() - 20)
               << ", force " << static_cast<int>(force) << ", pieces " << write);
          End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
          StreamTransfer transfer(worker.relay,
                                  {.in = Shape::kChunk, .chunk_out = chunk_out, .policy = {.force = force}});
          // The source stays open: whoever waits for more waits for ever.
          const Played got =
              play(worker, source, sink, transfer, c.wire, false, {.write = write, .budget = 10'000});
          CHECK_FALSE(got.stuck);
          CHECK(got.last == Step::kMalformed);
          CHECK((payload_of(got.out, chunk_out) == body.substr(0, c.good)));
          if (chunk_out) CHECK_FALSE(unchunk(got.out).complete);
          source.held.release();
        }
  CHECK(worker.idle());
}

TEST_CASE("a body above the limit is too large; one that just fits is not", "[stream-transfer]") {
  const Shape shape = GENERATE(values({Shape::kChunk, Shape::kUntilClose}));
  const Force force = GENERATE(values({Force::kBuffered, Force::kSplice}));
  const std::size_t size = GENERATE(values<std::size_t>({10, 100'000}));
  INFO("shape " << static_cast<int>(shape) << ", force " << static_cast<int>(force) << ", " << size
                << " bytes");
  const std::string body = pattern(size);
  Worker worker;
  for (const std::uint64_t limit : {size - 1, size}) {
    End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
    StreamTransfer transfer(worker.relay, {.in = shape, .limit = limit, .policy = {.force = force}});
    const Played got =
        play(worker, source, sink, transfer, shape == Shape::kChunk ? chunked(body, {30'000}) : body,
             shape == Shape::kUntilClose);
    CHECK(got.last == (limit == size ? Step::kDone : Step::kTooLarge));
    CHECK(transfer.delivered() <= limit);
    CHECK((got.out == body.substr(0, got.out.size())));
    source.held.release();
  }
  CHECK(worker.idle());
}

TEST_CASE("a sink that is gone fails the transfer, not the process", "[stream-transfer]") {
  const Force force = GENERATE(values({Force::kBuffered, Force::kSplice}));
  Worker worker;
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  {
    StreamTransfer transfer(worker.relay,
                            {.in = Shape::kLength, .length = 100'000, .policy = {.force = force}});
    CHECK(play(worker, source, sink, transfer, pattern(1000), false).last == Step::kSourceDry);
    sink.peer.reset();
    const Played got = play(worker, source, sink, transfer, pattern(1000), false);
    CHECK(got.last == Step::kSinkFailed);
    CHECK(got.error == EPIPE);
  }
  source.held.release();
  CHECK(worker.idle());
  CHECK(worker.relay.pipes.open() == 0);  // a pipe with bytes in it is not used again
}

TEST_CASE("a transfer given up in the middle leaves no pipe with its bytes to another", "[stream-transfer]") {
  if (!kSpliceBuilt) return;
  Worker worker;
  {
    End source(worker, Transport::kUnix), sink(worker, Transport::kUnix, 4608);
    StreamTransfer transfer(worker.relay, {.in = Shape::kLength, .length = 1'000'000});
    (void)source.write(pattern(100'000));
    worker.turn();
    CHECK(transfer.step(source.socket, source.held, sink.socket, 1_MiB).step == Step::kSinkFull);
    CHECK(worker.relay.pipes.in_use() == 1);
  }
  CHECK(worker.relay.pipes.open() == 0);
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  StreamTransfer transfer(worker.relay, {.in = Shape::kLength, .length = 50'000});
  const Played got = play(worker, source, sink, transfer, pattern(50'000, 99), false);
  CHECK((got.out == pattern(50'000, 99)));
}

TEST_CASE("without a pipe a body is copied, and the next one tries again", "[stream-transfer]") {
  if (!kSpliceBuilt) return;
  const bool chunk_out = GENERATE(false, true);
  const Shape shape = GENERATE(values({Shape::kLength, Shape::kChunk, Shape::kUntilClose}));
  const std::string body = pattern(300'000);
  const std::string wire = shape == Shape::kChunk ? chunked(body, {150'000}) : body;
  relay::Sizes sizes;
  sizes.pipes = 1;
  Worker worker(sizes);
  relay::PipeLease taken = worker.relay.pipes.take();
  REQUIRE(taken.valid());
  for (const char* reason : {"no-pipe", "splice"}) {
    INFO(reason << ", shape " << static_cast<int>(shape));
    End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
    StreamTransfer transfer(worker.relay, {.in = shape, .length = body.size(), .chunk_out = chunk_out});
    const Played got = play(worker, source, sink, transfer, wire, shape == Shape::kUntilClose,
                            {.write = 50'000, .budget = 60'000});
    CHECK(got.last == Step::kDone);
    CHECK((payload_of(got.out, chunk_out) == body));
    const relay::Choice choice = transfer.choice();
    if (taken.valid()) {
      CHECK(choice == relay::Choice{relay::Strategy::kBuffered, relay::Reason::kNoPipe});
    } else {
      CHECK(choice.strategy == relay::Strategy::kSplice);
    }
    taken.give_back();
  }
}

TEST_CASE("the want of a pipe is told, however small the chunks are that follow", "[stream-transfer]") {
  if (!kSpliceBuilt) return;
  relay::Sizes sizes;
  sizes.pipes = 1;
  Worker worker(sizes);
  const relay::PipeLease taken = worker.relay.pipes.take();
  REQUIRE(taken.valid());
  const std::string wire = chunked(pattern(104'000), {100'000, 4'000});
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  StreamTransfer transfer(worker.relay, {.in = Shape::kChunk});
  // The small chunk comes in two reads, so that it is asked about.
  const std::size_t broken = wire.size() - 2'000;
  CHECK(play(worker, source, sink, transfer, wire.substr(0, broken), false).last == Step::kSourceDry);
  CHECK(play(worker, source, sink, transfer, wire.substr(broken), false).last == Step::kDone);
  CHECK(transfer.choice() == relay::Choice{relay::Strategy::kBuffered, relay::Reason::kNoPipe});
}

TEST_CASE("the last pipe is lost in the middle of a body: the rest is copied", "[stream-transfer]") {
  if (!kSpliceBuilt) return;
  const bool chunk_out = GENERATE(false, true);
  const Shape shape = GENERATE(values({Shape::kLength, Shape::kChunk}));
  const std::string body = pattern(200'000);
  const std::string wire = shape == Shape::kChunk ? chunked(body, {150'000}) : body;
  relay::Sizes sizes;
  sizes.pipes = 1;
  Worker worker(sizes);
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  StreamTransfer transfer(
      worker.relay,
      {.in = shape, .length = body.size(), .chunk_out = chunk_out, .policy = {.force = Force::kSplice}});
  const Played first = play(worker, source, sink, transfer, std::string_view(wire).substr(0, 90'000), false);
  CHECK(first.last == Step::kSourceDry);
  CHECK(transfer.zero_copy() > 0);
  const relay::PipeLease other =
      worker.relay.pipes.take();  // a dry body gave its pipe back, and another has it now
  REQUIRE(other.valid());
  const std::uint64_t spliced = transfer.zero_copy();
  const Played second = play(worker, source, sink, transfer, std::string_view(wire).substr(90'000), false);
  CHECK(second.last == Step::kDone);
  CHECK(transfer.zero_copy() == spliced);
  CHECK((payload_of(first.out + second.out, chunk_out) == body));
  if (chunk_out) CHECK(unchunk(first.out + second.out).complete);
}

TEST_CASE("a sink that can't be spliced to: the bytes come back out of the pipe and none is lost",
          "[stream-transfer]") {
  if (!kSpliceBuilt) return;
  struct Case {
    const char* what;
    Shape shape;
    std::vector<std::size_t> chunks;
  };
  const std::string body = pattern(400'000);
  Worker worker;
  for (const Case& c : {Case{"length", Shape::kLength, {}}, Case{"until close", Shape::kUntilClose, {}},
                        Case{"large chunks", Shape::kChunk, {150'000}},
                        // Memory and pipe leave together, with spent framing between them.
                        Case{"a small chunk before each large one", Shape::kChunk, {5, 100'000}}})
    for (const bool chunk_out : {false, true})
      for (const bool midway : {false, true})
        for (const Pace& pace :
             {Pace{}, Pace{.write = 30'000, .read = 20'000, .budget = 90'000, .seed = 3}}) {
          INFO(c.what << ", chunk out " << chunk_out << ", midway " << midway << ", pieces " << pace.write);
          const std::string wire = c.shape == Shape::kChunk ? chunked(body, c.chunks) : body;
          const bool close = c.shape == Shape::kUntilClose;
          End source(worker, Transport::kUnix), sink(worker, Transport::kUnix, pace.read == 0 ? 0 : 4608);
          StreamTransfer transfer(worker.relay, {.in = c.shape,
                                                 .length = body.size(),
                                                 .chunk_out = chunk_out,
                                                 .policy = {.force = Force::kSplice}});
          std::string out;
          std::string_view rest = wire;
          if (midway) {
            out = play(worker, source, sink, transfer, rest.substr(0, 180'000), false, pace).out;
            rest.remove_prefix(180'000);
            CHECK(transfer.zero_copy() > 0);
          }
          sink.refuse_kernel_paths();
          const std::uint64_t spliced = transfer.zero_copy();
          const Played got = play(worker, source, sink, transfer, rest, close, pace);
          out += got.out;
          CHECK_FALSE(got.stuck);
          CHECK(got.last == Step::kDone);
          CHECK((payload_of(out, chunk_out) == body));
          if (chunk_out) CHECK(unchunk(out).complete);
          CHECK(transfer.zero_copy() == spliced);
          CHECK(transfer.delivered() == body.size());
          CHECK(name_of(transfer.choice().reason) == std::string(midway ? "forced" : "kernel-refused"));
          CHECK(worker.idle());
        }
}
