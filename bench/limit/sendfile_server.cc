// The least file server: any read that ends in a blank line is answered by a fixed head and sendfile(2) of the file that
// the last part of the URL names.
//
//   sendfile_server PORT DIRECTORY
//
// The files are opened, and their heads made, when it starts. An answer costs four calls: epoll_wait, recv, send, sendfile.
// (From a mapping it could leave in one sendmsg with its head. That is a call less and a copy more, and was no cheaper
// at any size.)
#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sockets.h"

namespace {

struct File {
  int fd;
  std::size_t size;
  std::string head;
};

struct Client {
  const File* file = nullptr;  // what is being sent, and how far; its head has left at once
  std::size_t sent = 0;
};

std::map<std::string, File, std::less<>> open_files(const char* directory) {
  std::map<std::string, File, std::less<>> files;
  const int folder = limit::must(::open(directory, O_RDONLY | O_DIRECTORY), directory);
  DIR* const names = ::fdopendir(folder);
  while (const dirent* const entry = ::readdir(names)) {
    struct stat about {};
    const int fd = ::openat(folder, entry->d_name, O_RDONLY);
    if (fd < 0 || ::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) continue;
    const auto size = static_cast<std::size_t>(about.st_size);
    File file{fd, size, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n"};
    files.emplace(entry->d_name, std::move(file));
  }
  ::closedir(names);
  return files;
}

class Server {
 public:
  explicit Server(const char* directory) : files_(open_files(directory)) {}

  [[noreturn]] void run(const char* port) {
    const int listener = limit::listen_on(port);
    poller_.add(listener, EPOLLIN);
    for (;;) {
      for (const epoll_event& event : poller_.wait()) {
        const int fd = event.data.fd;
        if (fd == listener) {
          for (int client; (client = limit::accept_from(listener)) >= 0;) {
            clients_.resize(std::max<std::size_t>(clients_.size(), client + 1));
            clients_[client] = {};
            poller_.add(client, EPOLLIN);
          }
        } else if (!serve(fd, clients_[fd])) {
          ::close(fd);
        }
      }
    }
  }

 private:
  // False when the connection is over.
  bool serve(int fd, Client& client) {
    const bool waited = client.file != nullptr;  // for room
    if (!waited) {
      client.file = asked(fd);
      if (client.file == nullptr) return errno == EAGAIN;
      if (!send_head(fd, client)) return false;
    }
    if (!send_body(fd, client)) return false;
    const bool whole = client.sent == client.file->size;
    if (whole) client = {};
    if (whole == waited) poller_.modify(fd, whole ? EPOLLIN : EPOLLOUT);
    return true;
  }

  // The file that a request names. None, with EAGAIN: there is no request yet.
  const File* asked(int fd) {
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0) return nullptr;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    errno = EPROTO;
    if (!text.starts_with("GET /") || !text.ends_with("\r\n\r\n")) return nullptr;
    const std::string_view target = text.substr(4, text.find(' ', 4) - 4);
    const auto found = files_.find(target.substr(target.rfind('/') + 1));
    return found != files_.end() ? &found->second : nullptr;
  }

  // A head is small, and there is room for it; it leaves with the body's first bytes.
  static bool send_head(int fd, const Client& client) {
    const std::string& head = client.file->head;
    return ::send(fd, head.data(), head.size(), MSG_MORE) == static_cast<ssize_t>(head.size());
  }

  static bool send_body(int fd, Client& client) {
    auto from = static_cast<off_t>(client.sent);
    const ssize_t gone = ::sendfile(fd, client.file->fd, &from, client.file->size - client.sent);
    if (gone > 0) client.sent += static_cast<std::size_t>(gone);
    return gone > 0 || (gone < 0 && errno == EAGAIN);
  }

  limit::Poller poller_;
  std::map<std::string, File, std::less<>> files_;
  std::vector<Client> clients_;  // by descriptor
};

}  // namespace

int main(int count, char** words) {
  if (count != 3) {
    std::fprintf(stderr, "%s PORT DIRECTORY\n", words[0]);
    return 2;
  }
  Server(words[2]).run(words[1]);
}
