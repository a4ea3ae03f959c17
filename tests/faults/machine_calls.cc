// The machine's answers to system calls.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "machine.h"

namespace sluice::faults {

namespace {
constexpr std::size_t kPage = 4096;
constexpr std::size_t kLot = FileModel::kLot;
constexpr int kRefusals[] = {EINVAL, ENOSYS, EOPNOTSUPP};
}  // namespace

// A caller that never comes back to the loop would never come to be judged: what is left is to say which it was.
void Machine::count_call() {
  constexpr std::uint64_t kMostCalls = 10'000'000;  // far more than any schedule needs
  if (++calls_ < kMostCalls) return;
  std::puts("spins: calls without end, within a step");
  std::abort();
}

// --- sockets -----------------------------------------------------------------------------------------------------

Connection* Machine::socket_of(int fd, const char* call) {
  const auto found = sockets_.find(fd);
  if (found != sockets_.end()) return found->second.get();
  violation(std::string(call) + " on a descriptor that is no open socket");
  return nullptr;
}

long Machine::take_error(Connection& c, const char* call, int fd) {
  return fail(std::exchange(c.error, 0), call, fd);
}

long Machine::on_recv(int fd, void* into, std::size_t size, int flags) {
  count_call();
  Connection* c = socket_of(fd, "recv");
  if (c == nullptr) return fail(EBADF, "recv", fd);
  if (size == 0) violation("recv into no room: 0 would look like the end");
  if (strikes(Fault::kInterrupted)) return fail(EINTR, "recv", fd);
  const bool peeks = (flags & MSG_PEEK) != 0;
  if (c->arrived > c->taken) {
    if (strikes(Fault::kNotYet)) {
      edge(*c, kRead);
      return fail(EAGAIN, "recv", fd);
    }
    const std::size_t most = std::min(size, c->arrived - c->taken);
    const std::size_t n = shortened(most);
    if (n < most) edge(*c, kRead);
    std::memcpy(into, c->script.data() + c->taken, n);
    if (!peeks) c->taken += n;
    say("recv(%d, %zu%s) = %zu\n", fd, size, peeks ? ", peek" : "", n);
    return static_cast<long>(n);
  }
  if (c->fin) {
    say("recv(%d) = 0\n", fd);
    return 0;
  }
  if (c->error != 0) return take_error(*c, "recv", fd);
  if (c->reset) {
    say("recv(%d) = 0 after a reset\n", fd);
    return 0;
  }
  return fail(EAGAIN, "recv", fd);
}

// Books of what went out. `more` keeps an unfinished segment back, as TCP does.
void Machine::wrote(Connection& c, std::size_t asked, std::size_t n, bool more) {
  c.no_space = c.no_space || n < asked;
  c.pushed = more && n == asked ? std::max(c.pushed, c.sent.size() / c.segment * c.segment) : c.sent.size();
}

long Machine::on_send(int fd, const msghdr* message, int flags) {
  count_call();
  Connection* c = socket_of(fd, "sendmsg");
  if (c == nullptr) return fail(EBADF, "sendmsg", fd);
  if ((flags & MSG_NOSIGNAL) == 0) violation("sendmsg without MSG_NOSIGNAL");
  if (strikes(Fault::kInterrupted)) return fail(EINTR, "sendmsg", fd);
  if (c->connecting) return fail(EAGAIN, "sendmsg", fd);
  if (c->error != 0) return take_error(*c, "sendmsg", fd);
  if (c->reset || c->sent_fin) return fail(EPIPE, "sendmsg", fd);
  std::string all;
  bool whole = true;
  for (std::size_t i = 0; i < message->msg_iovlen && whole; ++i) whole = gather(message->msg_iov[i], all);
  // What lies before memory that is gone may be sent, or not: the kernel copies into buffers of its own sizes.
  if (!whole) all.resize(schedule.pick(static_cast<std::uint32_t>(all.size() + 1)));
  if (all.empty()) return fail(EFAULT, "sendmsg", fd);
  const std::size_t fits = std::min(all.size(), c->free_room());
  if (fits == 0 || (c->sent.size() > c->acked && strikes(Fault::kNotYet))) {
    c->no_space = true;
    c->pushed = c->sent.size();
    return fail(EAGAIN, "sendmsg", fd);
  }
  const std::size_t n = shortened(fits);
  c->sent.append(all, 0, n);
  wrote(*c, all.size(), n, (flags & MSG_MORE) != 0);
  say("sendmsg(%d, %zu%s) = %zu\n", fd, all.size(), (flags & MSG_MORE) != 0 ? ", more" : "", n);
  return static_cast<long>(n);
}

// Appends what the kernel can read of it; false: not all.
bool Machine::gather(const iovec& piece, std::string& out) {
  if (!is_mapping(piece.iov_base)) {
    out.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    return true;
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(piece.iov_base);
  auto found = mappings_.upper_bound(begin);
  if (found == mappings_.begin() || begin + piece.iov_len > (--found)->first + found->second.size) {
    violation("sendmsg from memory that is not mapped");
    return false;
  }
  const Mapping& mapping = found->second;
  FileModel& file = *mapping.file;
  file.broken = file.broken || strikes(Fault::kFileFails, 16);
  if (file.broken) return false;
  // To whole pages: between a look at the size and the call a file may lose part of a page, too, and nobody can tell.
  if (strikes(Fault::kFileShrinks, 16)) {
    shrink(file);
    file.bytes.resize(file.bytes.size() / kPage * kPage);
  }
  const std::size_t offset = mapping.offset + begin - found->first;
  const std::size_t pages_end = (file.bytes.size() + kPage - 1) / kPage * kPage;
  const std::size_t readable = offset < pages_end ? std::min(piece.iov_len, pages_end - offset) : 0;
  touch(file, offset, readable, "sendmsg");
  const std::size_t of_file = offset < file.bytes.size() ? std::min(readable, file.bytes.size() - offset) : 0;
  if (of_file != 0) out.append(file.bytes, offset, of_file);
  out.append(readable - of_file, '\0');  // the rest of the last page
  return readable == piece.iov_len;
}

long Machine::on_splice(int in, int out, std::size_t want, unsigned flags) {
  count_call();
  if ((flags & SPLICE_F_NONBLOCK) == 0) violation("splice that may wait for the pipe");
  if (strikes(Fault::kInterrupted)) return fail(EINTR, "splice", in);
  if (const auto to = pipes_.find(out); to != pipes_.end()) {  // socket to pipe
    PipeQueue& pipe = *to->second;
    Connection* c = socket_of(in, "splice");
    if (c == nullptr) return fail(EBADF, "splice", in);
    if (want == 0) violation("splice of nothing: 0 would look like the end");
    if (strikes(Fault::kRefuseIn)) return fail(kRefusals[schedule.pick(3)], "splice", in);
    if (strikes(Fault::kNoMemory, 32)) return fail(ENOMEM, "splice", in);
    if (pipe.slots.size() >= pipe.most_slots)
      return fail(EAGAIN, "splice", in);  // says nothing of the socket
    if (c->arrived > c->taken) {
      if (strikes(Fault::kNotYet)) {
        edge(*c, kRead);
        return fail(EAGAIN, "splice", in);
      }
      std::size_t n = 0;
      std::size_t left = shortened(std::min(want, c->arrived - c->taken));
      while (left != 0 && pipe.slots.size() < pipe.most_slots) {
        const std::size_t part = std::min(left, c->segment - c->taken % c->segment);
        pipe.bytes.append(c->script, c->taken, part);
        pipe.slots.push_back(part);
        c->taken += part;
        left -= part;
        n += part;
      }
      say("splice(%d -> pipe, %zu) = %zu\n", in, want, n);
      return static_cast<long>(n);
    }
    if (c->fin) return say("splice(%d -> pipe) = 0\n", in), 0;
    if (c->error != 0) return take_error(*c, "splice", in);
    if (c->reset) return say("splice(%d -> pipe) = 0 after a reset\n", in), 0;
    return fail(EAGAIN, "splice", in);
  }
  const auto from = pipes_.find(in);
  Connection* c = socket_of(out, "splice");
  if (from == pipes_.end() || c == nullptr) {
    violation("splice between descriptors that are not open");
    return fail(EBADF, "splice", out);
  }
  PipeQueue& pipe = *from->second;
  if (strikes(Fault::kRefuseOut)) return fail(kRefusals[schedule.pick(3)], "splice", out);
  if (pipe.bytes.empty()) return fail(EAGAIN, "splice", out);
  if (c->error != 0) return take_error(*c, "splice", out);
  if (c->reset || c->sent_fin) return fail(EPIPE, "splice", out);
  const std::size_t fits = std::min({want, pipe.bytes.size(), c->free_room()});
  if (fits == 0 || (c->sent.size() > c->acked && strikes(Fault::kNotYet))) {
    c->no_space = true;
    c->pushed = c->sent.size();
    return fail(EAGAIN, "splice", out);
  }
  if (c->sent.size() > c->acked && strikes(Fault::kZeroOut)) {
    c->no_space = true;
    c->pushed = c->sent.size();
    say("splice(pipe -> %d) = 0\n", out);
    return 0;
  }
  const std::size_t n = shortened(fits);
  c->sent.append(pipe.bytes, 0, n);
  pipe.remove(n);
  wrote(*c, want, n, (flags & SPLICE_F_MORE) != 0);
  say("splice(pipe -> %d, %zu) = %zu\n", out, want, n);
  return static_cast<long>(n);
}

int Machine::on_shutdown(int fd) {
  Connection* c = socket_of(fd, "shutdown");
  if (c == nullptr) return fail(EBADF, "shutdown", fd);
  say("shutdown(%d)\n", fd);
  c->sent_fin = true;
  c->pushed = c->sent.size();
  return 0;
}

int Machine::on_linger(int fd) {
  if (Connection* c = socket_of(fd, "setsockopt")) c->resets_on_close = true;
  return 0;
}

int Machine::on_socket_error(int fd) {
  Connection* c = socket_of(fd, "getsockopt");
  return c == nullptr ? EBADF : std::exchange(c->error, 0);
}

int Machine::on_socket() {
  if (strikes(Fault::kNoDescriptor)) return fail(schedule.pick(2) == 0 ? EMFILE : ENFILE, "socket", -1);
  const auto [fd, made] = connection();
  made->room = std::max<std::size_t>(made->room, 100);
  made->connecting = true;
  return fd;
}

int Machine::on_connect(int fd) {
  Connection* c = socket_of(fd, "connect");
  if (c == nullptr) return fail(EBADF, "connect", fd);
  if (strikes(Fault::kNoConnection)) return fail(ENETUNREACH, "connect", fd);
  dialled.push_back(sockets_.at(fd));
  return fail(EINPROGRESS, "connect", fd);
}

int Machine::on_listen(int fd) {
  sockets_.erase(fd);  // a listener from here on
  return 0;
}

int Machine::on_accept(int fd) {
  if (strikes(Fault::kInterrupted)) return fail(EINTR, "accept", fd);
  if (backlog_.empty()) return fail(EAGAIN, "accept", fd);
  if (strikes(Fault::kNoDescriptor)) return fail(schedule.pick(2) == 0 ? EMFILE : ENFILE, "accept", fd);
  const int made = add_descriptor();
  sockets_.emplace(made, std::move(backlog_.front()));
  backlog_.pop_front();
  say("accept(%d) = %d\n", fd, made);
  return made;
}

int Machine::on_open() {
  if (strikes(Fault::kNoDescriptor)) return fail(EMFILE, "open", -1);
  return add_descriptor();
}

// --- pipes -------------------------------------------------------------------------------------------------------

int Machine::on_pipe(int ends[2]) {
  count_call();
  if (strikes(Fault::kNoDescriptor, 2)) return fail(schedule.pick(2) == 0 ? EMFILE : ENFILE, "pipe2", -1);
  auto queue = std::make_shared<PipeQueue>();
  if (strikes(Fault::kOnePage, 2)) {
    queue->most_slots = 1;
    queue->capacity = kPage;
  }
  if (strikes(Fault::kFewSlots, 2)) queue->most_slots = 1 + schedule.pick(3);
  for (int i = 0; i < 2; ++i) pipes_.emplace(ends[i] = add_descriptor(), queue);
  return 0;
}

int Machine::on_pipe_size(int fd, bool set) {
  const auto found = pipes_.find(fd);
  if (found == pipes_.end()) return fail(EBADF, "fcntl", fd);
  PipeQueue& queue = *found->second;
  if (set) {
    if (queue.capacity == kPage || strikes(Fault::kKeepsPipeSize, 2)) return fail(EPERM, "F_SETPIPE_SZ", fd);
    queue.capacity = 65536;
  }
  return static_cast<int>(queue.capacity);
}

long Machine::on_read(int fd, void* into, std::size_t size) {
  count_call();
  const auto found = pipes_.find(fd);
  if (found == pipes_.end()) {
    violation("read on a descriptor that is no pipe");
    return fail(EBADF, "read", fd);
  }
  if (strikes(Fault::kInterrupted)) return fail(EINTR, "read", fd);
  PipeQueue& pipe = *found->second;
  if (pipe.bytes.empty()) return fail(EAGAIN, "read", fd);
  const std::size_t n = shortened(std::min(size, pipe.bytes.size()));
  std::memcpy(into, pipe.bytes.data(), n);
  pipe.remove(n);
  say("read(%d, %zu) = %zu\n", fd, size, n);
  return static_cast<long>(n);
}

std::size_t Machine::bytes_in_pipes() const noexcept {
  std::size_t sum = 0;
  for (const auto& [fd, pipe] : pipes_) sum += pipe->bytes.size();
  return sum;
}

// --- files -------------------------------------------------------------------------------------------------------

void Machine::shrink(FileModel& file) {
  file.bytes.resize(schedule.pick(static_cast<std::uint32_t>(file.bytes.size() + 1)));
}

// Reading these pages waits for a disk: only a thread may. Pages that were taken away again, and file systems that
// can't tell, leave the loop no choice.
void Machine::touch(FileModel& file, std::size_t offset, std::size_t size, const char* call) {
  const std::size_t end = std::min(offset + size, file.bytes.size());
  if (offset >= end || file.is_resident(offset, end - offset)) return;
  if (!off_loop && !file.cannot_tell && !file.evicts)
    violation(std::string(call) + " waits for a disk on the loop");
  for (std::size_t lot = offset / kLot; lot * kLot < end; ++lot) file.resident[lot] = true;
}

long Machine::on_pread(int fd, void* into, std::size_t size, long at, bool resident_only) {
  count_call();
  const auto found = files_.find(fd);
  if (found == files_.end()) {
    violation("pread on a descriptor that is no file");
    return fail(EBADF, "pread", fd);
  }
  FileModel& file = *found->second;
  if (strikes(Fault::kInterrupted)) return fail(EINTR, "pread", fd);
  if (strikes(Fault::kFileFails, 16)) return fail(EIO, "pread", fd);
  if (strikes(Fault::kFileShrinks, 16)) shrink(file);
  if (resident_only && file.cannot_tell) return fail(EOPNOTSUPP, "preadv2", fd);
  const auto offset = static_cast<std::size_t>(at);
  if (offset >= file.bytes.size()) return 0;
  std::size_t n = std::min(size, file.bytes.size() - offset);
  if (file.evicts && !off_loop && schedule.pick(8) == 7) file.resident[offset / kLot] = false;
  if (resident_only) {
    std::size_t resident = 0;  // from the offset on, up to the first page that is not
    while (resident < n && file.is_resident(offset + resident, 1)) {
      resident = std::min(n, (offset + resident) / kLot * kLot + kLot - offset);
    }
    if (resident == 0) return fail(EAGAIN, "preadv2", fd);
    n = resident;
  } else {
    touch(file, offset, n, "pread");
  }
  n = shortened(n);
  std::memcpy(into, file.bytes.data() + offset, n);
  say("%s(%d, %zu at %zu) = %zu\n", resident_only ? "preadv2" : "pread", fd, size, offset, n);
  return static_cast<long>(n);
}

long Machine::on_file_size(int fd) {
  count_call();
  const auto found = files_.find(fd);
  if (found == files_.end()) {
    violation("fstat on a descriptor that is no file");
    return fail(EBADF, "fstat", fd);
  }
  if (strikes(Fault::kFileShrinks, 16)) shrink(*found->second);
  say("fstat(%d): %zu\n", fd, found->second->bytes.size());
  return static_cast<long>(found->second->bytes.size());
}

namespace {
// Addresses for mappings. Whoever reads them here ends at once, as with SIGBUS.
constexpr std::size_t kArena = std::size_t{1} << 30;
std::uintptr_t arena() noexcept {
  static void* const at =
      ::mmap(nullptr, kArena, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return reinterpret_cast<std::uintptr_t>(at);
}
}  // namespace

bool Machine::is_mapping(const void* at) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  return address >= arena() && address < arena() + kArena;
}

void* Machine::on_map(int fd, std::size_t size, long offset) {
  count_call();
  const auto found = files_.find(fd);
  if (found == files_.end() || size == 0 || static_cast<std::size_t>(offset) % kPage != 0) {
    violation("mmap of no file, of nothing, or from the middle of a page");
    return fail(EINVAL, "mmap", fd), MAP_FAILED;
  }
  if (strikes(Fault::kRefuseFile))
    return fail(schedule.pick(2) == 0 ? ENODEV : ENOMEM, "mmap", fd), MAP_FAILED;
  if (next_mapping_ + size > kArena) next_mapping_ = 0;  // far more than a schedule maps at a time
  const std::uintptr_t at = arena() + next_mapping_;
  next_mapping_ += (size + kPage - 1) / kPage * kPage;
  mappings_[at] = {.file = found->second, .offset = static_cast<std::size_t>(offset), .size = size};
  say("mmap(%d, %zu at %ld)\n", fd, size, offset);
  return reinterpret_cast<void*>(at);
}

int Machine::on_unmap(void* at, std::size_t size) {
  const auto found = mappings_.find(reinterpret_cast<std::uintptr_t>(at));
  if (found == mappings_.end() || found->second.size != size) {
    violation("munmap of what is not mapped so");
    errno = EINVAL;
    return -1;
  }
  mappings_.erase(found);
  return 0;
}

long Machine::on_sendfile(int out, int fd, long* at, std::size_t want) {
  count_call();
  const auto found = files_.find(fd);
  Connection* c = socket_of(out, "sendfile");
  if (found == files_.end() || c == nullptr) {
    violation("sendfile between descriptors that are not open");
    return fail(EBADF, "sendfile", out);
  }
  FileModel& file = *found->second;
  if (strikes(Fault::kInterrupted)) return fail(EINTR, "sendfile", out);
  if (strikes(Fault::kRefuseFile)) return fail(kRefusals[schedule.pick(3)], "sendfile", out);
  if (strikes(Fault::kFileFails, 16)) return fail(EIO, "sendfile", out);
  if (strikes(Fault::kFileShrinks, 16)) shrink(file);
  if (c->error != 0) return take_error(*c, "sendfile", out);
  if (c->reset || c->sent_fin) return fail(EPIPE, "sendfile", out);
  const auto offset = static_cast<std::size_t>(*at);
  if (offset >= file.bytes.size()) return say("sendfile(%d) = 0\n", out), 0;
  const std::size_t fits = std::min({want, file.bytes.size() - offset, c->free_room()});
  if (fits == 0 || (c->sent.size() > c->acked && strikes(Fault::kNotYet))) {
    c->no_space = true;
    c->pushed = c->sent.size();
    return fail(EAGAIN, "sendfile", out);
  }
  touch(file, offset, fits, "sendfile");
  // A signal may end the call early without word of a full buffer (Linux 4.3), so no edge is promised for this.
  const std::size_t n = shortened(fits);
  c->sent.append(file.bytes, offset, n);
  c->pushed = c->sent.size();
  *at += static_cast<long>(n);
  say("sendfile(%d, %zu at %zu) = %zu\n", out, want, offset, n);
  return static_cast<long>(n);
}

// --- descriptors, memory -----------------------------------------------------------------------------------------

int Machine::on_close(int fd) {
  const auto index = static_cast<std::size_t>(fd - kFirst);
  if (index >= is_open_.size() || !is_open_[index]) {
    violation("close of a descriptor that is not open");
    return fail(EBADF, "close", fd);
  }
  is_open_[index] = false;
  --open_;
  if (watchers_.count(fd) != 0) violation("a descriptor is closed while the loop watches it");
  listeners_.erase(fd);
  if (const auto found = sockets_.find(fd); found != sockets_.end()) {
    Connection& c = *found->second;
    c.closed = true;
    c.pushed = c.sent.size();
    if (c.resets_on_close || c.arrived > c.taken) c.told_reset = true;
    say("close(%d)%s\n", fd, c.told_reset ? ", which resets" : "");
    sockets_.erase(found);
  } else {
    pipes_.erase(fd);
    files_.erase(fd);
  }
  return 0;
}

bool Machine::out_of_memory() { return strikes(Fault::kNoMemory); }

}  // namespace sluice::faults
