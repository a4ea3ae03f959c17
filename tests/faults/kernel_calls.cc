// Where the linker leads the system calls of Sluice's objects (ld --wrap): to the machine of the running schedule.
//
// The real calls stay what they are for the C and C++ libraries, which the wrapping does not reach.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include "machine.h"

using sluice::faults::Machine;

namespace {

void write_address(sockaddr* to, socklen_t* length) {
  const sockaddr_in peer{.sin_family = AF_INET,
                         .sin_port = htons(4711),
                         .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
                         .sin_zero = {}};
  std::memcpy(to, &peer, sizeof peer);
  *length = sizeof peer;
}

}  // namespace

extern "C" {

int __real_close(int fd);
void* __real_malloc(std::size_t size);
int __real_fstat(int fd, struct stat* out);
void* __real_mmap(void* at, std::size_t size, int access, int flags, int fd, off_t offset);
int __real_munmap(void* at, std::size_t size);

ssize_t __wrap_recv(int fd, void* into, std::size_t size, int flags) {
  return Machine::now().on_recv(fd, into, size, flags);
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  return Machine::now().on_send(fd, message, flags);
}

ssize_t __wrap_splice(int in, off64_t*, int out, off64_t*, std::size_t want, unsigned flags) {
  return Machine::now().on_splice(in, out, want, flags);
}

ssize_t __wrap_sendfile(int out, int file, off_t* offset, std::size_t want) {
  return Machine::now().on_sendfile(out, file, offset, want);
}

ssize_t __wrap_pread(int fd, void* into, std::size_t size, off_t offset) {
  return Machine::now().on_pread(fd, into, size, offset, false);
}

ssize_t __wrap_preadv2(int fd, const iovec* pieces, int, off_t offset, int) {
  return Machine::now().on_pread(fd, pieces[0].iov_base, pieces[0].iov_len, offset, true);
}

int __wrap_fstat(int fd, struct stat* out) {
  if (fd < Machine::kFirst) return __real_fstat(fd, out);
  *out = {};
  const long size = Machine::now().on_file_size(fd);
  out->st_size = size;
  return size < 0 ? -1 : 0;
}

void* __wrap_mmap(void* at, std::size_t size, int access, int flags, int fd, off_t offset) {
  if (fd < Machine::kFirst) return __real_mmap(at, size, access, flags, fd, offset);
  return Machine::now().on_map(fd, size, offset);
}

int __wrap_munmap(void* at, std::size_t size) {
  return Machine::is_mapping(at) ? Machine::now().on_unmap(at, size) : __real_munmap(at, size);
}

ssize_t __wrap_read(int fd, void* into, std::size_t size) { return Machine::now().on_read(fd, into, size); }

int __wrap_close(int fd) { return fd < Machine::kFirst ? __real_close(fd) : Machine::now().on_close(fd); }

int __wrap_pipe2(int ends[2], int) { return Machine::now().on_pipe(ends); }

int __wrap_fcntl(int fd, int command, ...) {
  return Machine::now().on_pipe_size(fd, command == F_SETPIPE_SZ);
}

int __wrap_open(const char*, int, ...) { return Machine::now().on_open(); }

int __wrap_socket(int, int, int) { return Machine::now().on_socket(); }

int __wrap_connect(int fd, const sockaddr*, socklen_t) { return Machine::now().on_connect(fd); }

int __wrap_bind(int, const sockaddr*, socklen_t) { return 0; }

int __wrap_listen(int fd, int) { return Machine::now().on_listen(fd); }

int __wrap_accept4(int fd, sockaddr* peer, socklen_t* length, int) {
  write_address(peer, length);
  return Machine::now().on_accept(fd);
}

int __wrap_getsockname(int, sockaddr* own, socklen_t* length) {
  write_address(own, length);
  return 0;
}

int __wrap_setsockopt(int fd, int level, int option, const void*, socklen_t) {
  return level == SOL_SOCKET && option == SO_LINGER ? Machine::now().on_linger(fd) : 0;
}

int __wrap_getsockopt(int fd, int, int, void* value, socklen_t*) {
  const int error = Machine::now().on_socket_error(fd);
  std::memcpy(value, &error, sizeof error);
  return 0;
}

int __wrap_shutdown(int fd, int) { return Machine::now().on_shutdown(fd); }

void* __wrap_malloc(std::size_t size) {
  return Machine::now().out_of_memory() ? nullptr : __real_malloc(size);
}

}  // extern "C"
