// TLS 1.3 clients that make one connection after another, each for one request.
//
//   handshakes PORT THREADS SECONDS full|resumed PATH FILE
//
// Resumed ones go on with the session of the connection before; a session that is not resumed, or is when it should
// not be, is a failure, and so is a body that is not the file. Prints {"requests": ..., "failed": ..., "seconds": ...}.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "handshakes: %s\n", what.c_str());
  std::exit(1);
}

class Client {
 public:
  Client(std::uint16_t port, bool resumes, const std::string& path, const std::string& body)
      : port_(port),
        resumes_(resumes),
        request_("GET " + path + " HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n\r\n"),
        body_(body),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
        session_(nullptr, SSL_SESSION_free) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_ex_data(context_.get(), 0, this);
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* tls, SSL_SESSION* session) {
      static_cast<Client*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(tls), 0))->session_.reset(session);
      return 1;  // it is ours now
    });
    const unsigned char alpn[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context_.get(), alpn, sizeof alpn - 1);
  }

  // One connection and its response; false when anything was not as it has to be.
  bool visit() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context_.get()), SSL_free);
    const bool good = connect(socket) && talk(tls.get(), socket);
    ERR_clear_error();
    ::close(socket);
    return good;
  }

 private:
  bool connect(int socket) const {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  bool talk(SSL* tls, int socket) {
    const Session before = std::move(session_);
    session_.reset();
    SSL_set_fd(tls, socket);
    if (before && resumes_) SSL_set_session(tls, before.get());
    if (SSL_connect(tls) != 1 || (SSL_session_reused(tls) == 1) != (before && resumes_)) return false;
    if (SSL_write(tls, request_.data(), static_cast<int>(request_.size())) <= 0) return false;
    std::string answer;
    char piece[16 << 10];
    // To the end: the session's ticket comes along.
    for (int got = 0; (got = SSL_read(tls, piece, sizeof piece)) > 0;)
      answer.append(piece, static_cast<std::size_t>(got));
    SSL_shutdown(tls);
    const auto blank = answer.find("\r\n\r\n");
    return blank != std::string::npos && answer.compare(blank + 4, std::string::npos, body_) == 0;
  }

  std::uint16_t port_;
  bool resumes_;
  std::string request_;
  const std::string& body_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  Session session_;
};

}  // namespace

int main(int count, char** words) {
  if (count != 7) fail("PORT THREADS SECONDS full|resumed PATH FILE");
  const auto port = static_cast<std::uint16_t>(std::atoi(words[1]));
  const bool resumes = std::string(words[4]) == "resumed";
  std::ifstream file(words[6], std::ios::binary);
  const std::string body(std::istreambuf_iterator<char>(file), {});
  if (body.empty()) fail(std::string("cannot read ") + words[6]);

  std::atomic<unsigned long> requests{0}, failed{0};
  const auto begin = Clock::now();
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::atof(words[3])));
  std::vector<std::thread> threads;
  for (int n = 0; n < std::atoi(words[2]); ++n) {
    threads.emplace_back([&] {
      Client client(port, resumes, words[5], body);
      do {
        ++(client.visit() ? requests : failed);
      } while (Clock::now() < end);
    });
  }
  for (auto& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("{\"requests\": %lu, \"failed\": %lu, \"seconds\": %.6f}\n", requests.load(), failed.load(),
              seconds);
}
