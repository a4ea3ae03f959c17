// Sends a file over one socket pair and relays it to another: both calls of the library, seen from outside.
#include <fcntl.h>
#include <poll.h>
#include <sluice/zero_copy.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

void check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

}  // namespace

int main() {
  std::string text(300'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 131 >> 3);
  char name[] = "zero_copy_XXXXXX";
  const int file = mkstemp(name);
  check(file != -1 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
        "temporary file");
  unlink(name);

  int first[2], second[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, first) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, second) == 0,
        "sockets");
  std::string seen;
  std::thread sender([&] {
    const sluice::Progress sent = sluice::send_file(first[0], file, 7, text.size());
    check(sent.stop == sluice::Stop::kEnd && sent.bytes == text.size() - 7,
          "send_file stops at the end of the file");
    shutdown(first[0], SHUT_WR);
  });
  std::thread reader([&] {
    char block[4096];
    for (ssize_t n; (n = read(second[1], block, sizeof block)) > 0;)
      seen.append(block, static_cast<std::size_t>(n));
  });
  sluice::SocketRelay relay;
  std::uint64_t moved = 0;
  for (;;) {
    const sluice::Progress progress = relay.move(first[1], second[0], UINT64_MAX);
    moved += progress.bytes;
    if (progress.stop == sluice::Stop::kEnd) break;
    check(progress.stop == sluice::Stop::kSourceDry, "only the source makes us wait");
    pollfd wait{.fd = first[1], .events = POLLIN, .revents = 0};
    check(poll(&wait, 1, 10'000) == 1, "more comes in time");
  }
  check(moved == text.size() - 7, "move ends with its source");
  check(relay.pending() == 0, "nothing is left in the relay");
  const bool kernel = std::string(sluice::backend_name()) == "sendfile+splice";
  check((relay.copied() == 0) == kernel, "the backend's name says what happened");
  shutdown(second[0], SHUT_WR);
  sender.join();
  reader.join();
  check(seen == text.substr(7), "the bytes are the same");
  std::printf("backend: %s\n", sluice::backend_name());
}
