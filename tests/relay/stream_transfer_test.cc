// Every way a body can be framed, by every path, at every pace: the bytes out are the bytes in.
#include "relay/stream_transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "relay/ends.h"

using namespace sluice;
using namespace sluice::testing;
using relay::Force;
using relay::Shape;
using relay::StreamPlan;
using relay::StreamTransfer;

namespace {

const bool kSpliceBuilt = os::kernel_paths().splice;

struct Framing {
  const char* name;
  Shape shape;
  std::vector<std::size_t> chunks;  // kChunk
  const char* reason;               // of the choice that is left to the relay, when all comes at once
};

const std::vector<Framing>& framings() {
  static const std::vector<Framing> kFramings = {
      {"length", Shape::kLength, {}, "large"},
      {"large chunks", Shape::kChunk, {150'000}, "large-chunk"},
      {"small chunks", Shape::kChunk, {1, 2, 700, 15, 16, 17, 3000}, "small-chunks"},
      {"mixed chunks", Shape::kChunk, {5, 120'000, 3, 3, 90'000, 200}, "large-chunk"},
      {"until close", Shape::kUntilClose, {}, "until-close"},
      {"tunnel", Shape::kTunnel, {}, "stream"},
  };
  return kFramings;
}

struct Manner {
  const char* name;
  Transport transport;
  Pace pace;
  int sink_buffer;
};

const std::vector<Manner>& manners() {
  static const std::vector<Manner> kManners = {
      {"at once", Transport::kUnix, {}, 0},
      {"at once over TCP", Transport::kTcp, {}, 0},
      {"dribbled", Transport::kUnix, {.write = 9000, .budget = 20'000, .seed = 11}, 0},
      {"dribbled over TCP", Transport::kTcp, {.write = 9000, .budget = 20'000, .seed = 12}, 0},
      {"a slow sink", Transport::kUnix, {.write = 40'000, .read = 5000, .budget = 100'000, .seed = 13}, 4608},
      {"a slow sink, all there", Transport::kUnix, {.read = 9000, .budget = 70'000, .seed = 14}, 4608},
  };
  return kManners;
}

bool ends_by_closing(Shape shape) { return shape == Shape::kUntilClose || shape == Shape::kTunnel; }

void prefill(Worker& worker, relay::Buffer& held, std::string_view text) {
  REQUIRE(held.acquire(worker.relay.heads));
  REQUIRE(held.room().size() >= text.size());
  std::copy(text.begin(), text.end(), held.room().data());
  held.filled(text.size());
}

}  // namespace

TEST_CASE("whatever the framing, the path and the pace: bytes out are bytes in", "[stream-transfer]") {
  const std::string body = pattern(300'000);
  const std::string next = "GET /next HTTP/1.1\r\n\r\n";
  const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
  Worker worker;
  for (const Framing& framing : framings())
    for (const Manner& manner : manners())
      for (const Force force : {Force::kNothing, Force::kBuffered, Force::kSplice})
        for (const bool chunk_out : {false, true})
          for (const std::size_t came_with_head : {0UL, 1000UL}) {
            INFO(framing.name << ", " << manner.name << ", force " << static_cast<int>(force)
                              << ", chunk out " << chunk_out << ", with head " << came_with_head);
            const bool closes = ends_by_closing(framing.shape);
            std::string wire = framing.shape == Shape::kChunk ? chunked(body, framing.chunks) : body;
            if (!closes) wire += next;
            End source(worker, manner.transport), sink(worker, manner.transport, manner.sink_buffer);
            if (came_with_head != 0) prefill(worker, source.held, wire.substr(0, came_with_head));

            StreamTransfer transfer(worker.relay, {.in = framing.shape,
                                                   .length = body.size(),
                                                   .chunk_out = chunk_out,
                                                   .policy = {.force = force}});
            const Played got = play(worker, source, sink, transfer,
                                    std::string_view(wire).substr(came_with_head), closes, manner.pace, head);

            REQUIRE_FALSE(got.stuck);
            REQUIRE(got.last == Step::kDone);
            REQUIRE(got.out.starts_with(head));
            const std::string payload = got.out.substr(head.size());
            if (chunk_out) {
              const Unchunked out = unchunk(payload);
              CHECK(out.complete);
              CHECK((out.body == body));  // no need to print 300 KB
              // Small chunks are coalesced, and large ones are not cut up. (Forced to splice, it does as
              // told.)
              if (manner.pace.write == 0 && framing.shape == Shape::kChunk && force != Force::kSplice)
                CHECK(out.chunks < 20);
            } else {
              CHECK((payload == body));
            }
            CHECK(transfer.delivered() == body.size());
            CHECK(got.moved == body.size());
            CHECK(transfer.source_done());
            CHECK(transfer.sink_touched());

            // What is behind the body was neither lost nor sent.
            std::string rest(source.held.view());
            for (char byte; !closes && rest.size() < next.size();) {
              const auto more = os::recv_some(source.socket.fd(), {&byte, 1});
              if (!more.ok() || more.bytes == 0) break;
              rest += byte;
            }
            CHECK(rest == (closes ? "" : next));
            source.held.release();
            REQUIRE(worker.idle());

            const std::string path = name_of(transfer.choice().strategy),
                              why = name_of(transfer.choice().reason);
            CHECK((transfer.zero_copy() != 0) == (path == "splice"));
            if (force == Force::kBuffered || !kSpliceBuilt) {
              CHECK(transfer.zero_copy() == 0);
              CHECK(why == (kSpliceBuilt ? "forced" : "portable-build"));
            } else if (force == Force::kSplice) {
              CHECK(path == "splice");
              CHECK(why == "forced");
              // Without framing in between, only what came with the head is copied.
              if (framing.shape != Shape::kChunk) CHECK(transfer.zero_copy() == body.size() - came_with_head);
            } else if (framing.shape == Shape::kTunnel && manner.pace.write != 0) {
              CHECK((why == "trickle" || why == "stream"));  // whether reads fill up depends on who is faster
            } else {
              CHECK(why == framing.reason);
              if (framing.shape == Shape::kLength)
                CHECK(transfer.zero_copy() == body.size() - came_with_head);
            }
            // A budget keeps one body from starving the others; a block or a pipe may be sent to its end.
            CHECK(got.most <= manner.pace.budget + 500 + worker.relay.blocks.block());
          }
}

TEST_CASE("a body that came whole with its head needs no read", "[stream-transfer]") {
  struct Case {
    const char* what;
    StreamPlan plan;
    const char* wire;
    const char* out;
    const char* left;
  };
  const Case c = GENERATE(values<Case>({
      {"length", {.in = Shape::kLength, .length = 5}, "helloNEXT", "hello", "NEXT"},
      {"length, chunked out",
       {.in = Shape::kLength, .length = 5, .chunk_out = true},
       "hello",
       "5\r\nhello\r\n0\r\n\r\n",
       ""},
      {"chunks", {.in = Shape::kChunk}, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nNEXT", "hello", "NEXT"},
      {"chunks, coalesced",
       {.in = Shape::kChunk, .chunk_out = true},
       "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nNEXT",
       "5\r\nhello\r\n0\r\n\r\n",
       "NEXT"},
      {"no chunk at all", {.in = Shape::kChunk, .chunk_out = true}, "0\r\n\r\nNEXT", "0\r\n\r\n", "NEXT"},
      {"no chunk, raw out", {.in = Shape::kChunk}, "0\r\n\r\nNEXT", "", "NEXT"},
      {"length 0", {.in = Shape::kLength, .length = 0}, "NEXT", "", "NEXT"},
      {"length 0, chunked out",
       {.in = Shape::kLength, .length = 0, .chunk_out = true},
       "NEXT",
       "0\r\n\r\n",
       "NEXT"},
  }));
  INFO(c.what);
  Worker worker;
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  prefill(worker, source.held, c.wire);
  StreamTransfer transfer(worker.relay, c.plan);
  const std::string foreseen = name_of(transfer.foresee(source.socket, source.held, sink.socket).reason);
  const Played got = play(worker, source, sink, transfer, "", false, {}, "HEAD ");
  CHECK(got.last == Step::kDone);
  CHECK(got.out == std::string("HEAD ") + c.out);
  CHECK(source.held.view() == c.left);
  CHECK(name_of(transfer.choice().reason) == std::string(got.moved == 0 ? "no-body" : "came-with-head"));
  if (got.moved != 0) CHECK(foreseen == "came-with-head");
}

TEST_CASE("the head leaves before the body is there, and only once", "[stream-transfer]") {
  Worker worker;
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  StreamTransfer transfer(worker.relay, {.in = Shape::kChunk, .chunk_out = true});
  worker.turn();
  CHECK(transfer.step(source.socket, source.held, sink.socket, 1_MiB, "HEAD ").step == Step::kSourceDry);
  CHECK(sink.read() == "HEAD ");
  CHECK(transfer.sink_touched());
  const Played got = play(worker, source, sink, transfer, chunked("body", {4}), false);
  CHECK(got.last == Step::kDone);
  CHECK(got.out == "4\r\nbody\r\n0\r\n\r\n");
}

// Segments that were sent and not acknowledged yet.
unsigned unacknowledged(const End& end) {
  tcp_info info{};
  socklen_t size = sizeof info;
  REQUIRE(::getsockopt(end.peer.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
  return info.tcpi_unacked;
}

TEST_CASE("a server that may wait for it is told at once what came of a long body", "[stream-transfer]") {
  // The kernel's own answer comes within 40 ms: whether it waited can be told if this thread was quick.
  const auto waits = [](std::size_t length) {
    for (int i = 0; i < 20; ++i) {
      Worker worker;
      End source(worker, Transport::kTcp), sink(worker, Transport::kUnix);
      const int off = 0;
      ::setsockopt(source.socket.fd(), IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
      StreamTransfer transfer(worker.relay, {.in = Shape::kLength, .length = length});
      REQUIRE(source.write("some") == 4);
      worker.turn();
      CHECK(transfer.step(source.socket, source.held, sink.socket, 1_MiB).step == Step::kSourceDry);
      if (unacknowledged(source) != 0) return true;
    }
    return false;
  };
  CHECK(waits(200'000));
  CHECK_FALSE(waits(1'000'000));
}

TEST_CASE("a head that the sink does not take at once is kept, whatever its memory becomes",
          "[stream-transfer]") {
  Worker worker;
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix, 4608);
  StreamTransfer transfer(worker.relay, {.in = Shape::kLength, .length = 4});
  worker.turn();
  std::string head = pattern(100'000), kept = head;
  CHECK(transfer.step(source.socket, source.held, sink.socket, 1_MiB, head).step == Step::kSinkFull);
  head.assign(head.size(), '#');
  const Played got = play(worker, source, sink, transfer, "body", false, {.read = 3000});
  CHECK(got.last == Step::kDone);
  CHECK((got.out == kept + "body"));
}

TEST_CASE("trailers go through the filter, and without one they are dropped", "[stream-transfer]") {
  struct Case {
    const char* what;
    bool (*filter)(std::string_view, std::string&);
    const char* want;
  };
  const Case c = GENERATE(values<Case>({
      {"no filter", nullptr, ""},
      {"kept", [](std::string_view raw, std::string& out) { return out = raw, true; }, "A: b\r\nC: d\r\n"},
      {"replaced", [](std::string_view, std::string& out) { return out = "X: y\r\n", true; }, "X: y\r\n"},
  }));
  INFO(c.what);
  Worker worker;
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  StreamTransfer transfer(worker.relay,
                          {.in = Shape::kChunk, .chunk_out = true, .filter_trailers = c.filter});
  const std::string wire = chunked(pattern(50'000), {40'000}, "A: b\r\nC: d\r\n");
  const Played got = play(worker, source, sink, transfer, wire, false, {.write = 7000, .budget = 20'000});
  CHECK(got.last == Step::kDone);
  const Unchunked out = unchunk(got.out);
  CHECK(out.complete);
  CHECK((out.body == pattern(50'000)));
  CHECK(out.trailers == c.want);
}

TEST_CASE("a body with malformed trailers is malformed, however it is cut", "[stream-transfer]") {
  const auto refuse = [](std::string_view, std::string& out) { return out = "half of", false; };
  const bool chunk_out = GENERATE(false, true);
  const Pace pace = GENERATE(values<Pace>({{}, {.write = 1}, {.write = 7, .seed = 3}}));
  Worker worker;
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  StreamTransfer transfer(worker.relay,
                          {.in = Shape::kChunk, .chunk_out = chunk_out, .filter_trailers = refuse});
  const std::string wire = chunked(pattern(100), {60}, "A: b\r\n") + "GET / HTTP/1.1\r\n\r\n";
  const Played got = play(worker, source, sink, transfer, wire, false, pace);
  CHECK(got.last == Step::kMalformed);
  CHECK(transfer.delivered() == 100);
  CHECK(got.out.find("0\r\n\r\n") == std::string::npos);  // nothing pretends to be the end
}

TEST_CASE("what is foreseen is what happens", "[stream-transfer]") {
  struct Case {
    StreamPlan plan;
    std::size_t size;
  };
  const std::vector<Case> cases = {
      {{.in = Shape::kLength, .length = 0}, 0},
      {{.in = Shape::kLength, .length = 100}, 100},
      {{.in = Shape::kLength, .length = 16383}, 16383},
      {{.in = Shape::kLength, .length = 16384}, 16384},
      {{.in = Shape::kLength, .length = 100'000}, 100'000},
      {{.in = Shape::kLength, .length = 100'000, .policy = {.force = Force::kBuffered}}, 100'000},
      {{.in = Shape::kLength, .length = 100, .policy = {.force = Force::kSplice}}, 100},
      {{.in = Shape::kUntilClose}, 100'000},
      {{.in = Shape::kChunk, .chunk_out = true}, 100},
      {{.in = Shape::kChunk, .chunk_out = true, .policy = {.force = Force::kBuffered}}, 100},
  };
  Worker worker;
  for (const Case& c : cases) {
    INFO("shape " << static_cast<int>(c.plan.in) << ", " << c.size << " bytes");
    End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
    StreamTransfer transfer(worker.relay, c.plan);
    const relay::Choice foreseen = transfer.foresee(source.socket, source.held, sink.socket);
    const std::string body = pattern(c.size);
    const Played got =
        play(worker, source, sink, transfer, c.plan.in == Shape::kChunk ? chunked(body, {c.size}) : body,
             ends_by_closing(c.plan.in));
    CHECK(got.last == Step::kDone);
    CHECK(std::string(name_of(foreseen.strategy)) == name_of(transfer.choice().strategy));
    CHECK(std::string(name_of(foreseen.reason)) == name_of(transfer.choice().reason));
  }
}

TEST_CASE(
    "a tunnel is copied while it trickles, spliced while it streams, and holds nothing while it is quiet",
    "[stream-transfer]") {
  if (!kSpliceBuilt) return;
  Worker worker;
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  StreamTransfer transfer(worker.relay, {.in = Shape::kTunnel});
  const auto pass = [&](const std::string& text) {
    const std::uint64_t before = transfer.zero_copy();
    const Played got = play(worker, source, sink, transfer, text, false);
    CHECK((got.out == text));
    CHECK(worker.idle());
    return transfer.zero_copy() != before;
  };
  CHECK_FALSE(pass("ls\n"));
  CHECK(pass(pattern(200'000)));
  bool spliced = true;
  int letters = 0;
  while (spliced && letters < 20) {
    spliced = pass("x");
    ++letters;
  }
  CHECK_FALSE(spliced);
  CHECK(letters > 2);                                         // one short read is no trickle
  CHECK(transfer.choice().reason == relay::Reason::kStream);  // the path that mattered
}
