// A small kernel in memory: sockets, pipes, files and a clock, driven by a schedule.
//
// It stands below os/: the linker leads that folder's system calls here (kernel_calls.cc), so that os/ itself is
// part of what is tried. Everything the real kernel may do to a relay, it may do here, and it keeps the real one's
// promises, on which the relay builds:
//   - a call that answered EAGAIN, or took less than it could have, is followed by an edge when more can be done;
//   - a reset is told once as an error, to whichever call comes first; then reads say 0 and writes say EPIPE;
//   - bytes that arrived before a reset can still be read; after a FIN, a reset is EPIPE;
//   - a pipe has slots, not bytes: a slot holds a part of one segment and is free again when the last byte leaves;
//   - closing with unread bytes resets the peer, which loses what it has not read yet.
// Sources: tcp(7), splice(2), pipe(7), epoll(7); net/ipv4/tcp.c (tcp_recvmsg, tcp_reset), fs/splice.c.
//
// Thread   one machine at a time, one thread.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/clock.h"
#include "schedule.h"

namespace sluice::faults {

// What may go wrong. Each schedule allows some of these only, so that none hides another.
enum class Fault : std::uint8_t {
  kShort,          // a call moves less than it could
  kInterrupted,    // EINTR
  kNotYet,         // EAGAIN though there is something to do; an edge follows
  kRefuseIn,       // splice from a socket: EINVAL, ENOSYS, EOPNOTSUPP
  kRefuseOut,      // splice into a socket: likewise
  kRefuseFile,     // sendfile: likewise; mmap: ENODEV, ENOMEM
  kZeroOut,        // splice into a socket: 0
  kNoMemory,       // ENOMEM from malloc() or splice()
  kNoDescriptor,   // EMFILE, ENFILE
  kOnePage,        // a pipe of one page, and the kernel says so
  kFewSlots,       // a pipe of few slots, and the kernel does not say so
  kKeepsPipeSize,  // F_SETPIPE_SZ: EPERM
  kSinkResets,     // the reader goes away
  kFileShrinks,
  kFileFails,     // EIO
  kCold,          // pages that are not there
  kCannotTell,    // a file system without RWF_NOWAIT: EOPNOTSUPP
  kQueueFull,     // the offload threads take no more
  kNoEvents,      // the loop can't register a descriptor
  kNoConnection,  // connect() fails: at once, or later
  kServerCuts,    // a response breaks off, with FIN or RST
  kServerResets,  // at any time, idle or not
  kServerTalksNonsense,
  kServerIsEarly,  // it answers before it has the whole request
  kServerIsSilent,
  kCount,
};
const char* name_of(Fault fault) noexcept;

// What all schedules of a run came to: a fault or an ending that never occurs was not tried.
struct Tally {
  std::array<std::uint64_t, static_cast<std::size_t>(Fault::kCount)> faults{};
  std::map<std::string, std::uint64_t, std::less<>> endings;
};

enum class Ends : std::uint8_t { kNot, kFin, kReset };

// One TCP connection: our descriptor's side of it. The scenario plays the peer on these fields.
struct Connection {
  // From the peer. `script` is all it will ever send; `ends` is what comes behind it.
  std::string script;
  Ends ends = Ends::kNot;
  std::size_t arrived = 0;  // bytes of the script that reached us
  std::size_t taken = 0;    // ... that we read
  bool fin = false, reset = false;
  int error = 0;  // told once
  std::size_t segment = 1448;

  // To the peer. It has read `acked` bytes of `sent`.
  std::string sent;
  std::size_t acked = 0;
  std::size_t pushed = 0;    // what leaves now; the rest is held back for MSG_MORE's sake
  std::size_t room = 65536;  // of the send buffer
  bool no_space = false;     // a call was told so: an edge follows
  bool sent_fin = false;

  // Life.
  bool connecting = false;
  bool closed = false;  // by us
  bool resets_on_close = false;
  bool told_reset = false;  // the peer saw our RST; what it had not read is lost

  [[nodiscard]] bool readable() const noexcept { return arrived > taken || fin || reset || error != 0; }
  [[nodiscard]] std::size_t free_room() const noexcept {
    const std::size_t queued = sent.size() - acked;
    return queued < room ? room - queued : 0;
  }
  [[nodiscard]] bool all_arrived() const noexcept {
    return arrived == script.size() && (ends == Ends::kNot || fin || reset);
  }
  [[nodiscard]] std::string_view seen() const noexcept { return std::string_view(sent).substr(0, acked); }
};

struct PipeQueue {
  std::string bytes;
  std::deque<std::size_t> slots;  // bytes in each
  std::size_t most_slots = 16;
  std::size_t capacity = 65536;
  void remove(std::size_t n);  // a slot that keeps one byte is taken all the same
};

struct FileModel {
  static constexpr std::size_t kLot = 32 * 1024;  // pages come and go in lots no smaller than this
  std::string bytes;
  bool cannot_tell = false;    // RWF_NOWAIT is not supported
  bool evicts = false;         // pages may go away again
  bool broken = false;         // a mapped page could not be read, and never will be
  std::vector<bool> resident;  // by lot of pages
  [[nodiscard]] bool is_resident(std::size_t offset, std::size_t size) const noexcept;
};

class Machine {
 public:
  // `loud` prints every call and what it answered.
  Machine(Schedule& schedule, Tally& tally, bool loud);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  static Machine& now() noexcept { return *current_; }  // the one that calls go to

  Schedule& schedule;
  [[nodiscard]] bool strikes(Fault fault, std::uint32_t one_in = 8);
  [[nodiscard]] bool allowed(Fault fault) const noexcept { return allowed_[static_cast<std::size_t>(fault)]; }
  [[nodiscard]] bool struck(Fault fault) const noexcept { return struck_[static_cast<std::size_t>(fault)]; }
  bool calm = false;  // nothing strikes: while a scenario sets up what it can't do without

  // --- what the scenario makes and moves ---
  std::pair<int, std::shared_ptr<Connection>> connection();
  int file(std::string bytes);
  FileModel& file_of(int fd) { return *files_.at(fd); }
  void arrive(Connection& connection, std::size_t most);  // script bytes, then its end
  void drain(Connection& connection, std::size_t most);   // the peer reads
  void reset_by_peer(Connection& connection);
  void connected(Connection& connection, int error);  // how connecting ended
  void arrive_at_listener(std::shared_ptr<Connection> connection);

  // --- time ---
  os::Time time{std::chrono::hours(1)};

  // --- one turn of the loop: edges, then what threads have done ---
  void turn();
  [[nodiscard]] bool quiet() const noexcept;  // no edge waits, no job either
  bool run_one_job();

  // --- judging ---
  void ended(std::string_view how);
  void violation(const std::string& what);  // the first one stays
  [[nodiscard]] const std::string& violated() const noexcept { return violation_; }
  [[nodiscard]] std::size_t open_descriptors() const noexcept { return open_; }  // of all kinds
  [[nodiscard]] std::size_t mappings() const noexcept { return mappings_.size(); }
  [[nodiscard]] std::size_t bytes_in_pipes() const noexcept;
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
  void say(const char* format, ...) __attribute__((format(printf, 2, 3)));

  // --- what kernel_calls.cc answers from; the words are errno's, -1 and errno as a system call does ---
  static constexpr int kFirst = 1000;  // lower descriptors are the real kernel's
  long on_recv(int fd, void* into, std::size_t size, int flags);
  long on_send(int fd, const msghdr* message, int flags);
  long on_splice(int in, int out, std::size_t want, unsigned flags);
  long on_sendfile(int out, int file, long* offset, std::size_t want);
  long on_pread(int fd, void* into, std::size_t size, long offset, bool resident_only);
  long on_file_size(int fd);
  // A mapping is addresses and no memory: only the kernel may read it, and here that is on_send().
  static bool is_mapping(const void* at) noexcept;
  void* on_map(int fd, std::size_t size, long offset);
  int on_unmap(void* at, std::size_t size);
  long on_read(int fd, void* into, std::size_t size);
  int on_pipe(int ends[2]);
  int on_pipe_size(int fd, bool set);
  int on_close(int fd);
  int on_shutdown(int fd);
  int on_linger(int fd);
  int on_socket_error(int fd);
  int on_socket();
  int on_connect(int fd);
  int on_accept(int fd);
  int on_open();
  int on_listen(int fd);
  bool out_of_memory();

  // --- what loop_model.cc answers from ---
  enum : short { kRead = 1, kWrite = 2, kClosed = 4 };
  using OnEvent = std::function<void(short)>;
  bool watch(int fd, OnEvent on_event);
  void unwatch(int fd);
  void watch_first(int fd, bool first);  // its edges come before others' of the same turn
  void watch_listener(int fd, std::function<void()> on_readable);
  void unwatch_listener(int fd);
  bool offload(std::function<void()> job);
  bool off_loop = false;  // a job of the offload threads runs: it may block

  // Connections that were opened by us, for the scenario to answer.
  std::vector<std::shared_ptr<Connection>> dialled;

 private:
  struct Watcher {
    OnEvent on_event;
    short edges = 0;
    bool first = false;
  };
  void count_call();
  int fail(int error, const char* call, int fd);
  int add_descriptor();
  Connection* socket_of(int fd, const char* call);
  long take_error(Connection& c, const char* call, int fd);
  void edge(const Connection& connection, short what);
  void wrote(Connection& c, std::size_t asked, std::size_t n, bool more);
  std::size_t shortened(std::size_t n);
  bool gather(const iovec& piece, std::string& out);
  void shrink(FileModel& file);
  void touch(FileModel& file, std::size_t offset, std::size_t size, const char* call);

  static Machine* current_;
  Tally& tally_;
  const bool loud_;
  std::array<bool, static_cast<std::size_t>(Fault::kCount)> allowed_{}, struck_{};
  std::vector<bool> is_open_;  // by descriptor, from kFirst on; no number is used twice
  std::size_t open_ = 0;
  std::uint64_t calls_ = 0;
  std::string violation_;
  std::map<int, std::shared_ptr<Connection>> sockets_;
  std::map<int, std::shared_ptr<PipeQueue>> pipes_;
  std::map<int, std::shared_ptr<FileModel>> files_;
  struct Mapping {
    std::shared_ptr<FileModel> file;
    std::size_t offset, size;
  };
  std::map<std::uintptr_t, Mapping> mappings_;  // by where they begin
  std::uintptr_t next_mapping_ = 0;
  std::map<int, Watcher> watchers_;
  std::map<int, std::function<void()>> listeners_;
  std::deque<std::shared_ptr<Connection>> backlog_;
  std::deque<std::function<void()>> jobs_;
};

}  // namespace sluice::faults
