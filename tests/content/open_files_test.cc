#include "content/open_files.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "content/lookup.h"
#include "content/site.h"

using namespace sluice;
using namespace std::chrono_literals;
using content::Found;

namespace {

struct Fixture {
  content::Site site;
  content::Worker worker;
  std::shared_ptr<os::UniqueFd> root =
      std::make_shared<os::UniqueFd>(os::open_directory(site.root.string()).fd);
  content::OpenFiles* files = &worker.files;
  loop::Ticket ticket;
  int off_loop = 0;  // look-ups that had to leave the loop

  content::FindResult find(std::string_view path, std::chrono::milliseconds revalidate = 0ms) {
    for (;;) {
      auto result = files->find(root, path, revalidate, ticket, [this] { worker.loop.stop(); });
      if (result.found != Found::kPending) return result;
      REQUIRE(++off_loop < 100);
      worker.loop.run();
    }
  }
};

std::string all_of(const content::FindResult& result) {
  REQUIRE(result.found == Found::kFile);
  return content::text_of(*result.file->file, 0, result.file->file->size());
}

}  // namespace

TEST_CASE("a file is opened once and described", "[open-files]") {
  Fixture f;
  f.site.write("a/x.html", "hello");
  const auto first = f.find("a/x.html", 1h);
  REQUIRE(first.found == Found::kFile);
  CHECK(all_of(first) == "hello");
  CHECK(first.file->content_type == "text/html; charset=utf-8");
  CHECK(first.file->etag.ends_with("-5\""));
  CHECK(first.file->last_modified.ends_with(" GMT"));
  CHECK(f.find("a/x.html", 1h).file == first.file);
  CHECK(f.worker.files.size() == 1);
}

TEST_CASE("what a name can lead to besides a file", "[open-files]") {
  Fixture f;
  const auto outside = content::Site();
  outside.write("secret", "s");
  f.site.write("dir/file", "x");
  f.site.write("closed", "x");
  ::chmod((f.site.root / "closed").c_str(), 0);
  REQUIRE(::mkfifo((f.site.root / "fifo").c_str(), 0644) == 0);
  std::filesystem::create_symlink(outside.root / "secret", f.site.root / "out-absolute");
  std::filesystem::create_symlink("../" + outside.root.filename().string() + "/secret", f.site.root / "out");
  std::filesystem::create_symlink("loop", f.site.root / "loop");
  std::filesystem::create_symlink("dir/file", f.site.root / "in");
  const os::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = (f.site.root / "socket").string();
  REQUIRE(name.copy(address.sun_path, sizeof address.sun_path - 1) == name.size());
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);

  struct Case {
    std::string path;
    Found want;
  };
  const std::vector<Case> cases = {
      {"dir", Found::kDirectory},
      {"", Found::kDirectory},
      {"in", Found::kFile},
      {"nothing", Found::kMissing},
      {"dir/file/below", Found::kMissing},
      {std::string(300, 'n'), Found::kMissing},
      {"fifo", Found::kForbidden},
      {"socket", Found::kForbidden},
      {"out", Found::kForbidden},
      {"out-absolute", Found::kForbidden},
      {"../x", Found::kForbidden},
      {"loop", Found::kForbidden},
      {"closed", ::geteuid() == 0 ? Found::kFile : Found::kForbidden},  // root may read everything
  };
  for (const Case& c : cases) {
    INFO(c.path);
    CHECK(f.find(c.path).found == c.want);
  }
}

TEST_CASE("a replaced file is noticed once the entry is old enough, a running response keeps the old one",
          "[open-files]") {
  Fixture f;
  f.site.write("x", "old");
  const auto old = f.find("x", 1h);
  f.site.replace("x", "new");
  CHECK(f.find("x", 1h).file == old.file);
  const auto now = f.find("x", 0ms);
  CHECK(all_of(now) == "new");
  CHECK(all_of(old) == "old");
  CHECK(now.file->etag != old.file->etag);
  CHECK(f.worker.files.size() == 1);

  std::filesystem::remove(f.site.root / "x");
  CHECK(f.find("x", 1h).found == Found::kFile);
  CHECK(f.find("x", 0ms).found == Found::kMissing);
  CHECK(f.worker.files.size() == 0);
}

TEST_CASE("an unchanged file stays open through revalidation", "[open-files]") {
  Fixture f;
  f.site.write("x", "same");
  const auto first = f.find("x");
  CHECK(f.find("x").file == first.file);
}

TEST_CASE("the cache is bounded, the least recently used goes first", "[open-files]") {
  Fixture f;
  for (const char* name : {"a", "b", "c", "d"}) f.site.write(name, name);
  const auto a = f.find("a", 1h);
  const std::weak_ptr<const content::OpenFile> b = f.find("b", 1h).file;
  (void)f.find("c", 1h);
  (void)f.find("a", 1h);
  (void)f.find("d", 1h);
  CHECK(f.worker.files.size() == 3);
  CHECK(b.expired());
  CHECK(f.find("a", 1h).file == a.file);
}

TEST_CASE("the same name below two roots is two files", "[open-files]") {
  Fixture f;
  content::Site other;
  f.site.write("x", "one");
  other.write("x", "two");
  CHECK(all_of(f.find("x", 1h)) == "one");
  f.root = std::make_shared<os::UniqueFd>(os::open_directory(other.root.string()).fd);
  CHECK(all_of(f.find("x", 1h)) == "two");
}

TEST_CASE("a look-up that may have to wait is made off the loop, once for each that asks", "[open-files]") {
  Fixture f;
  f.site.write("x", "text");
  f.files = &f.worker.cold;

  SECTION("the outcome is fetched by the next call, even if each request revalidates") {
    const auto first = f.find("x", 0ms);
    CHECK(all_of(first) == "text");
    CHECK(f.off_loop == 1);
    const auto second = f.find("x", 0ms);
    CHECK(f.off_loop == 2);
    CHECK(second.file == first.file);  // unchanged: it stays open
    CHECK(f.find("x", 1h).file == first.file);
    CHECK(f.off_loop == 2);
  }
  SECTION("so is one for what is missing, or replaced") {
    CHECK(f.find("nothing").found == Found::kMissing);
    CHECK(all_of(f.find("x", 1h)) == "text");
    f.site.replace("x", "new");
    CHECK(all_of(f.find("x", 1h)) == "text");
    CHECK(all_of(f.find("x", 0ms)) == "new");
    CHECK(f.off_loop == 3);
    CHECK(f.files->size() == 1);
  }
  SECTION("a dropped ticket is not called back") {
    bool called = false;
    CHECK(f.files->find(f.root, "x", 0ms, f.ticket, [&] { called = true; }).found == Found::kPending);
    f.ticket.drop();
    CHECK(all_of(f.find("x")) == "text");  // one thread: this came second
    CHECK_FALSE(called);
  }
  SECTION("when too many wait the answer is a shortage, not a wait") {
    std::vector<loop::Ticket> tickets(100);
    content::FindResult last;
    for (auto& ticket : tickets) {
      last = f.files->find(f.root, "x", 0ms, ticket, [] {});
      if (last.found != Found::kPending) break;
    }
    CHECK(last.found == Found::kFailed);
    CHECK(last.error == EAGAIN);
  }
}

TEST_CASE("which errors mean what", "[open-files]") {
  using content::found_of;
  using os::Lookup;
  // What has to wait for a disk is asked again off the loop; there the same errors are failures.
  for (const int error : {EAGAIN, EINVAL, ENOSYS}) {
    CHECK(found_of(error, Lookup::kCachedOnly) == Found::kPending);
    CHECK(found_of(error, Lookup::kMayBlock) == Found::kFailed);
  }
  for (const int error : {EMFILE, ENFILE, ENOMEM, EIO})
    CHECK(found_of(error, Lookup::kCachedOnly) == Found::kFailed);
}
