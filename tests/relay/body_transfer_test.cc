#include "relay/body_transfer.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>

#include "os/file.h"
#include "relay/ends.h"
#include "relay/residency.h"
#include "relay/wrapped_channel.h"
#include "scratch_directory.h"

using namespace sluice;
using namespace sluice::testing;
using relay::Body;
using relay::BodyTransfer;
using relay::File;
using relay::FileRange;
using relay::Force;
using relay::Reason;
using relay::Strategy;

namespace {

const bool kSendfileBuilt = os::kernel_paths().sendfile;

struct Fixture {
  std::shared_ptr<File> file(const std::string& text, const char* name = "f") {
    path = directory.write(name, text);
    return std::make_shared<File>(os::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), text.size());
  }

  // Steps until the transfer answers; the sink's far end reads at most `read` bytes after each.
  Played send(BodyTransfer& transfer, End& sink, std::string_view head = {},
              std::size_t read = std::string::npos, std::size_t budget = 1_MiB) {
    Played out;
    for (int i = 0; i < 20'000; ++i) {
      worker.turn();
      const StepResult result = transfer.step(sink.socket, budget, i == 0 ? head : std::string_view());
      out.moved += result.bytes;
      out.last = result.step;
      out.error = result.error;
      out.most = std::max(out.most, result.bytes);
      waits += result.step == Step::kWaiting ? 1 : 0;
      if (result.step == Step::kWaiting) worker.loop.run();  // until `warmed` stops it
      out.out += sink.read(read);
      if (goes_on(result.step)) continue;
      for (std::string rest = sink.read(); !rest.empty(); rest = sink.read()) out.out += rest;
      return out;
    }
    out.stuck = true;
    return out;
  }
  std::function<void()> warmed = [this] { worker.loop.stop(); };

  ScratchDirectory directory;
  std::string path;
  Worker worker;
  int waits = 0;
};

// Pages that were written to the disk can be dropped; false when this file system keeps them, or can't tell.
bool make_cold(const File& file) {
  ::fsync(file.fd());
  ::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_DONTNEED);
  char byte;
  return os::read_resident(file.fd(), {&byte, 1}, 0).would_block();
}

// Looked up without a read: a probe that is refused makes the kernel begin to fetch what it asked for.
std::size_t resident_pages(const File& file, std::uint64_t offset, std::size_t size) {
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd(), static_cast<off_t>(offset));
  REQUIRE(at != MAP_FAILED);
  std::vector<unsigned char> pages(size / 4096);
  REQUIRE(::mincore(at, size, pages.data()) == 0);
  ::munmap(at, size);
  return static_cast<std::size_t>(
      std::count_if(pages.begin(), pages.end(), [](unsigned char p) { return (p & 1) != 0; }));
}

}  // namespace

TEST_CASE("pieces of memory and of files go out in their order, by every path and at every pace",
          "[body-transfer]") {
  Fixture f;
  const std::string text = pattern(1'500'000);
  const auto file = f.file(text);
  const Body body = {std::string("--one\r\n"),
                     FileRange{file, 100, 700'000},
                     std::string("\r\n--two\r\n"),
                     FileRange{file, 0, 5},
                     std::string(),
                     FileRange{file, 524'287, 600'000},
                     std::string("\r\n--end--")};
  const std::string want = "HEAD --one\r\n" + text.substr(100, 700'000) + "\r\n--two\r\n" +
                           text.substr(0, 5) + text.substr(524'287, 600'000) + "\r\n--end--";
  struct Pacing {
    const char* name;
    Transport transport;
    std::size_t read, budget;
    int sink_buffer;
  };
  for (const Force force : {Force::kNothing, Force::kBuffered, Force::kSendfile, Force::kMmap})
    for (const Pacing& pacing : {Pacing{"at once", Transport::kUnix, std::string::npos, 10_MiB, 0},
                                 Pacing{"over TCP", Transport::kTcp, std::string::npos, 10_MiB, 0},
                                 Pacing{"in small turns", Transport::kTcp, std::string::npos, 30'000, 0},
                                 Pacing{"a slow sink", Transport::kUnix, 7000, 1_MiB, 4608}})
      for (const bool refused : {false, true}) {
        INFO(pacing.name << ", force " << static_cast<int>(force) << ", refused " << refused);
        End sink(f.worker, pacing.transport, pacing.sink_buffer);
        if (refused) sink.refuse_kernel_paths();
        BodyTransfer transfer(f.worker.relay, body, {.force = force}, f.warmed);
        const Played got = f.send(transfer, sink, "HEAD ", pacing.read, pacing.budget);
        CHECK_FALSE(got.stuck);
        CHECK(got.last == Step::kDone);
        CHECK((got.out == want));
        CHECK(transfer.delivered() == want.size() - 5);
        CHECK(got.moved == transfer.delivered());
        CHECK(got.most <= pacing.budget + 100);
        CHECK(f.worker.idle());

        const std::string why = name_of(transfer.choice().reason);
        CHECK(transfer.mapped() == (force == Force::kMmap ? 1'300'005 : 0));
        if (force == Force::kMmap) {
          CHECK(transfer.zero_copy() == 0);
          CHECK(transfer.choice() == relay::Choice{Strategy::kMmap, Reason::kForced});
        } else if (!kSendfileBuilt || force == Force::kBuffered || refused) {
          CHECK(transfer.zero_copy() == 0);
          CHECK(transfer.choice().strategy == Strategy::kBuffered);
          CHECK(why == (!kSendfileBuilt                        ? "portable-build"
                        : refused && force != Force::kBuffered ? "kernel-refused"
                                                               : "forced"));
        } else {
          CHECK(transfer.zero_copy() == (force == Force::kSendfile ? 1'300'005 : 1'300'000));
          CHECK(transfer.choice().strategy == Strategy::kSendfile);
          CHECK(why == (force == Force::kSendfile ? "forced" : "file"));
        }
      }
}

TEST_CASE("a body without pieces or without bytes is done when its head is out", "[body-transfer]") {
  Fixture f;
  for (const Body& body : {Body{}, Body{std::string()}}) {
    End sink(f.worker, Transport::kUnix);
    BodyTransfer transfer(f.worker.relay, body, {}, f.warmed);
    const Played got = f.send(transfer, sink, "HEAD");
    CHECK(got.last == Step::kDone);
    CHECK(got.out == "HEAD");
    CHECK(transfer.choice() == relay::Choice{});
    CHECK(transfer.sink_touched());
  }
}

// Notes what the head was sent with.
class Noting final : public WrappedChannel {
 public:
  using WrappedChannel::WrappedChannel;
  std::vector<bool> more;
  os::IoResult send(std::span<const iovec> pieces, bool m) noexcept override {
    more.push_back(m);
    return below_.send(pieces, m);
  }
};

TEST_CASE("a head joins a short file and leaves ahead of a long one", "[body-transfer]") {
  if (!kSendfileBuilt) return;  // copied along with it
  const auto joined = [](std::size_t size) {
    Fixture f;
    End sink(f.worker, Transport::kUnix);
    Noting noting(sink.socket);
    f.worker.turn();
    BodyTransfer transfer(f.worker.relay, Body{FileRange{f.file(pattern(size)), 0, size}}, {}, f.warmed);
    CHECK(transfer.step(noting, 4096, "HEAD ").step == Step::kMoved);
    return noting.more;
  };
  CHECK(joined(100'000) == std::vector{true});
  CHECK(joined(262'143) == std::vector{true});
  CHECK(joined(262'144) == std::vector{false});
}

TEST_CASE("which path a body will take is known before anything moves", "[body-transfer]") {
  if (!kSendfileBuilt) return;
  Fixture f;
  const auto file = f.file(pattern(100'000));
  struct Case {
    const char* what;
    Body body;
    Reason want;
  };
  const std::vector<Case> cases = {
      {"nothing", {}, Reason::kNoBody},
      {"memory", {std::string("x")}, Reason::kMadeHere},
      {"a small file", {FileRange{file, 0, 100}}, Reason::kSmallFile},
      {"a file", {FileRange{file, 0, 100'000}}, Reason::kFile},
      {"the largest range decides",
       {FileRange{file, 0, 5}, FileRange{file, 5, 50'000}, FileRange{file, 0, 7}},
       Reason::kFile},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    End sink(f.worker, Transport::kUnix);
    CHECK(name_of(BodyTransfer::foresee(c.body, {}, f.worker.relay, sink.socket).reason) ==
          std::string(name_of(c.want)));
    BodyTransfer transfer(f.worker.relay, c.body, {}, f.warmed);
    CHECK(f.send(transfer, sink).last == Step::kDone);
    CHECK(name_of(transfer.choice().reason) == std::string(name_of(c.want)));
  }
}

TEST_CASE("a file that shrinks under way is truncated, never short and whole-looking", "[body-transfer]") {
  const Force force = GENERATE(values({Force::kBuffered, Force::kSendfile, Force::kMmap}));
  const off_t left = GENERATE(values<off_t>({0, 1, 65'536, 600'001}));
  INFO("force " << static_cast<int>(force) << ", shrunk to " << left);
  Fixture f;
  const std::string text = pattern(1'000'000);
  const auto file = f.file(text);
  End sink(f.worker, Transport::kUnix);
  BodyTransfer transfer(f.worker.relay, {FileRange{file, 0, text.size()}, std::string("tail")},
                        {.force = force}, f.warmed);
  f.worker.turn();
  const StepResult first = transfer.step(sink.socket, 50'000);
  CHECK(first.step == Step::kMoved);
  std::string out =
      sink.read();  // now: pages that still wait in a socket are the file's, and would change with it
  REQUIRE(::truncate(f.path.c_str(), left) == 0);
  const Played got = f.send(transfer, sink);
  CHECK(got.last == Step::kTruncated);
  out += got.out;
  CHECK((out == text.substr(0, out.size())));
  CHECK(out.size() == std::max<std::size_t>(first.bytes, static_cast<std::size_t>(left)));
  CHECK(transfer.delivered() == out.size());
}

TEST_CASE("of a file that became shorter within its last page nothing is made up", "[body-transfer]") {
  const Force force = GENERATE(values({Force::kBuffered, Force::kSendfile, Force::kMmap}));
  INFO("force " << static_cast<int>(force));
  Fixture f;
  const std::string text = pattern(3000);
  const auto file = f.file(text);
  End sink(f.worker, Transport::kUnix);
  BodyTransfer whole(f.worker.relay, {FileRange{file, 0, text.size()}}, {.force = force}, f.warmed);
  CHECK((f.send(whole, sink).out == text));
  REQUIRE(::truncate(f.path.c_str(), 1000) == 0);  // what is mapped behind it reads as zeros, and is no error
  BodyTransfer transfer(f.worker.relay, {FileRange{file, 0, text.size()}}, {.force = force}, f.warmed);
  const Played got = f.send(transfer, sink, "HEAD");
  CHECK(got.last == Step::kTruncated);
  CHECK((got.out == "HEAD" + text.substr(0, 1000)));
}

TEST_CASE("a file that can't be mapped is copied", "[body-transfer]") {
  Fixture f;
  // /proc's files can be read, but not mapped.
  const auto file =
      std::make_shared<File>(os::UniqueFd(::open("/proc/self/status", O_RDONLY | O_CLOEXEC)), 100);
  End sink(f.worker, Transport::kUnix);
  BodyTransfer transfer(f.worker.relay, {FileRange{file, 0, 100}}, {.force = Force::kMmap}, f.warmed);
  const Played got = f.send(transfer, sink);
  CHECK(got.last == Step::kDone);
  CHECK(got.out.starts_with("Name:"));
  CHECK(transfer.mapped() == 0);
  CHECK(transfer.choice() == relay::Choice{Strategy::kBuffered, Reason::kKernelRefused});
}

TEST_CASE("a sink that is gone fails the body", "[body-transfer]") {
  const Force force = GENERATE(values({Force::kBuffered, Force::kSendfile, Force::kMmap}));
  Fixture f;
  End sink(f.worker, Transport::kUnix);
  BodyTransfer transfer(f.worker.relay, {FileRange{f.file(pattern(100'000)), 0, 100'000}}, {.force = force},
                        f.warmed);
  sink.peer.reset();
  const Played got = f.send(transfer, sink);
  CHECK(got.last == Step::kSinkFailed);
  CHECK(got.error == EPIPE);
}

TEST_CASE("a cold file is fetched off the loop, and the body goes on when it is there", "[body-transfer]") {
  const Force force = GENERATE(values({Force::kBuffered, Force::kSendfile, Force::kMmap}));
  INFO("force " << static_cast<int>(force));
  Fixture f;
  const std::string text = pattern(1'200'000);
  const auto file = f.file(text);
  if (!make_cold(*file)) {
    WARN("this file system keeps its pages, or can't tell: a cold file can't be made here");
    return;
  }
  End sink(f.worker, Transport::kUnix);
  BodyTransfer transfer(f.worker.relay, {std::string("first"), FileRange{file, 0, text.size()}},
                        {.force = force}, f.warmed);
  const Played got = f.send(transfer, sink, "HEAD ");
  CHECK(got.last == Step::kDone);
  CHECK((got.out == "HEAD first" + text));
  CHECK(f.waits > 0);
  CHECK(transfer.cold_waits() >= 1);
  CHECK(transfer.cold_waits() <= 3);  // windows of 512 KiB
  f.waits = 0;
  BodyTransfer again(f.worker.relay, {FileRange{file, 0, text.size()}}, {.force = force}, f.warmed);
  CHECK(f.send(again, sink).last == Step::kDone);
  CHECK(f.waits == 0);
}

TEST_CASE("a cold part behind a resident one is met at its window, not inside one long call",
          "[body-transfer]") {
  const Force force = GENERATE(values({Force::kBuffered, Force::kSendfile, Force::kMmap}));
  Fixture f;
  const std::string text = pattern(1'200'000);
  const auto file = f.file(text);
  ::posix_fadvise(file->fd(), 0, 0, POSIX_FADV_RANDOM);  // nothing is read ahead, not even by a probe
  if (!make_cold(*file)) return;                         // said above
  relay::bring_in(*file, 0, File::kWindow);
  relay::bring_in(*file, File::kWindow + 65'536, text.size());
  if (resident_pages(*file, File::kWindow, 65'536) != 0) {
    WARN("pages beyond those asked for came along: a cold part can't be made here");
    return;
  }
  End sink(f.worker, Transport::kUnix);
  BodyTransfer transfer(f.worker.relay, {FileRange{file, 0, text.size()}}, {.force = force}, f.warmed);
  const Played got = f.send(transfer, sink, {}, std::string::npos, 10_MiB);
  CHECK(got.last == Step::kDone);
  CHECK((got.out == text));
  CHECK(transfer.cold_waits() == 1);
}

TEST_CASE("a small range brings in its window: what is remembered of it is true for others",
          "[body-transfer]") {
  Fixture f;
  const std::string text = pattern(1'200'000);
  const auto file = f.file(text);
  ::posix_fadvise(file->fd(), 0, 0, POSIX_FADV_RANDOM);
  if (!make_cold(*file)) return;  // said above
  End sink(f.worker, Transport::kUnix);
  for (const std::uint64_t offset : {300'000u, 8'192u, 450'000u}) {
    BodyTransfer transfer(f.worker.relay, {FileRange{file, offset, 5'000}}, {.force = Force::kSendfile},
                          f.warmed);
    const Played got = f.send(transfer, sink);
    CHECK(got.last == Step::kDone);
    CHECK((got.out == text.substr(offset, 5'000)));
    CHECK(transfer.cold_waits() == (offset == 300'000 ? 1 : 0));
    CHECK(resident_pages(*file, 0, File::kWindow) == File::kWindow / 4096);
  }
}

TEST_CASE("a transfer that goes away while it waits is not called back", "[body-transfer]") {
  Fixture f;
  const auto file = f.file(pattern(1'000'000));
  if (!make_cold(*file)) return;  // said above
  End sink(f.worker, Transport::kUnix);
  bool called = false;
  {
    BodyTransfer transfer(f.worker.relay, {FileRange{file, 0, 1'000'000}}, {}, [&] { called = true; });
    f.worker.turn();
    REQUIRE(transfer.step(sink.socket, 1_MiB).step == Step::kWaiting);
    CHECK(transfer.step(sink.socket, 1_MiB).step == Step::kWaiting);  // asked twice, fetched once
    CHECK(transfer.cold_waits() == 1);
  }
  BodyTransfer next(f.worker.relay, {FileRange{file, 0, 1'000'000}}, {}, f.warmed);  // its job comes second
  CHECK(f.send(next, sink).last == Step::kDone);
  CHECK_FALSE(called);
}

TEST_CASE("when too many wait for the disk the body fails instead of blocking the loop", "[body-transfer]") {
  Fixture f;
  const auto file = f.file(pattern(1'000'000));
  if (!make_cold(*file)) return;
  loop::Offload none(1, 0);
  relay::Resources relay(f.worker.loop, none, {});
  End sink(f.worker, Transport::kUnix);
  BodyTransfer transfer(relay, {FileRange{file, 0, 1'000'000}}, {}, f.warmed);
  f.worker.turn();
  const StepResult got = transfer.step(sink.socket, 1_MiB);
  CHECK(got.step == Step::kSourceFailed);
  CHECK(got.error == EAGAIN);
}

TEST_CASE("a body that is left open answers dry, goes on with what is appended, and ends when told",
          "[body-transfer]") {
  Fixture f;
  const auto file = f.file(pattern(100'000));
  End sink(f.worker, Transport::kUnix, 4096);
  BodyTransfer transfer(f.worker.relay, {}, {}, f.warmed);
  transfer.leave_open();
  std::string wanted = "head";
  Played got = f.send(transfer, sink, "head");
  CHECK(got.last == Step::kSourceDry);
  std::string out = got.out;
  for (int i = 0; i < 3; ++i) {
    CHECK(transfer.step(sink.socket, 1_MiB).step == Step::kSourceDry);  // as often as it is asked
    transfer.append(std::string("piece"));
    transfer.append(FileRange{file, 0, 100'000});
    transfer.append(std::string("\r\n"));
    wanted += "piece" + pattern(100'000) + "\r\n";
    got = f.send(transfer, sink);
    CHECK(got.last == Step::kSourceDry);
    out += got.out;
  }
  transfer.append(std::string("end"));
  transfer.end();
  got = f.send(transfer, sink);
  CHECK(got.last == Step::kDone);
  CHECK((out + got.out == wanted + "end"));
  CHECK(transfer.delivered() == wanted.size() + 3 - 4);  // a head is no body
  if (kSendfileBuilt) CHECK(transfer.zero_copy() == 300'000);
}
