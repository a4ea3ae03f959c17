// What stands below OpenSSL: the socket's raw bytes, as a BIO.
//
//   socket ──▶ OpenSSL          one recv for as much as its buffer takes
//   OpenSSL ──▶ block ──▶ socket    records gather in one block of the relay's and leave with few sends
//
// Bounded    the block is all that waits for the socket; OpenSSL is told to come again when it is full.
// Memory     none while nothing waits.
// Thread     the loop's. Lifetime: of the channel that owns it; its BIO must be gone before it.
// Source     BIO_meth_new(3), BIO_read_ex(3).
#pragma once

#include "loop/socket.h"
#include "os/io_result.h"
#include "relay/buffer.h"
#include "tls/openssl.h"

namespace sluice::tls {

class Wire {
 public:
  Wire(loop::Socket& socket, relay::BufferPool& blocks) noexcept : socket_(socket), blocks_(blocks) {}
  Wire(const Wire&) = delete;  // the BIO knows its address
  Wire& operator=(const Wire&) = delete;

  [[nodiscard]] BioPtr make_bio();  // null: out of memory

  // --- towards OpenSSL ---
  // The last read got less than it asked for: the socket is probably empty.
  [[nodiscard]] bool drained() const noexcept { return drained_; }
  // What the last failed read met: errno, or 0 for a bare FIN.
  [[nodiscard]] int read_error() const noexcept { return read_error_; }
  // From now on reads fail with EPROTO.
  void stop() noexcept { stopped_ = true; }

  // --- towards the socket ---
  [[nodiscard]] std::size_t waiting() const noexcept { return out_.size(); }
  // Room for what OpenSSL writes next, without a flush. Takes a block where there is none; 0: no memory.
  [[nodiscard]] std::size_t room() noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept { return blocks_.block(); }
  // Sends what waits. EAGAIN: some still does, and the socket is no longer writable().
  os::IoResult flush() noexcept;
  void drop() noexcept { out_.release(); }

 private:
  static int on_read(BIO* bio, char* into, std::size_t size, std::size_t* got);
  static int on_write(BIO* bio, const char* from, std::size_t size, std::size_t* put);
  static long on_ctrl(BIO* bio, int command, long number, void* pointer);

  loop::Socket& socket_;
  relay::BufferPool& blocks_;
  relay::Buffer out_;
  int read_error_ = 0;
  bool drained_ = false;
  bool stopped_ = false;
};

}  // namespace sluice::tls
