// The machine's own affairs: what the scenario makes and moves, and the loop.
#include "machine.h"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace sluice::faults {

Machine* Machine::current_ = nullptr;

const char* name_of(Fault fault) noexcept {
  switch (fault) {
    case Fault::kShort:
      return "short count";
    case Fault::kInterrupted:
      return "EINTR";
    case Fault::kNotYet:
      return "EAGAIN, then an edge";
    case Fault::kRefuseIn:
      return "splice in refused";
    case Fault::kRefuseOut:
      return "splice out refused";
    case Fault::kRefuseFile:
      return "sendfile refused";
    case Fault::kZeroOut:
      return "splice out: 0";
    case Fault::kNoMemory:
      return "ENOMEM";
    case Fault::kNoDescriptor:
      return "EMFILE, ENFILE";
    case Fault::kOnePage:
      return "pipe of one page";
    case Fault::kFewSlots:
      return "pipe of few slots";
    case Fault::kKeepsPipeSize:
      return "pipe size refused";
    case Fault::kSinkResets:
      return "reader resets";
    case Fault::kFileShrinks:
      return "file shrinks";
    case Fault::kFileFails:
      return "EIO";
    case Fault::kCold:
      return "cold pages";
    case Fault::kCannotTell:
      return "no RWF_NOWAIT";
    case Fault::kQueueFull:
      return "offload queue full";
    case Fault::kNoEvents:
      return "no room for an event";
    case Fault::kNoConnection:
      return "connect fails";
    case Fault::kServerCuts:
      return "server cuts its response";
    case Fault::kServerResets:
      return "server resets";
    case Fault::kServerTalksNonsense:
      return "server talks nonsense";
    case Fault::kServerIsEarly:
      return "server answers early";
    case Fault::kServerIsSilent:
      return "server says nothing";
    case Fault::kCount:
      break;
  }
  return "?";
}

bool FileModel::is_resident(std::size_t offset, std::size_t size) const noexcept {
  for (std::size_t lot = offset / FileModel::kLot; lot * FileModel::kLot < offset + size; ++lot) {
    if (lot < resident.size() && !resident[lot]) return false;
  }
  return true;
}

void PipeQueue::remove(std::size_t n) {
  bytes.erase(0, n);
  while (n != 0) {
    const std::size_t part = std::min(n, slots.front());
    slots.front() -= part;
    n -= part;
    if (slots.front() == 0) slots.pop_front();
  }
}

Machine::Machine(Schedule& the_schedule, Tally& tally, bool loud)
    : schedule(the_schedule), tally_(tally), loud_(loud) {
  current_ = this;
  // Half of all schedules are allowed nothing at all half of the time: order alone breaks things, too.
  if (schedule.chance(8)) return;
  for (auto& allowed : allowed_) allowed = schedule.chance(4);
}

Machine::~Machine() { current_ = nullptr; }

bool Machine::strikes(Fault fault, std::uint32_t one_in) {
  if (calm || !allowed(fault) || !schedule.chance(one_in)) return false;
  ++tally_.faults[static_cast<std::size_t>(fault)];
  struck_[static_cast<std::size_t>(fault)] = true;
  say("  (%s)\n", name_of(fault));
  return true;
}

void Machine::ended(std::string_view how) {
  say("ended: %.*s\n", static_cast<int>(how.size()), how.data());
  if (const auto known = tally_.endings.find(how); known != tally_.endings.end()) {
    ++known->second;
  } else {
    tally_.endings.emplace(how, 1);
  }
}

void Machine::say(const char* format, ...) {
  if (!loud_) return;
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
}

void Machine::violation(const std::string& what) {
  say("VIOLATION: %s\n", what.c_str());
  if (violation_.empty()) violation_ = what;
}

int Machine::fail(int error, const char* call, int fd) {
  say("%s(%d) = -1 %s\n", call, fd, ::strerrorname_np(error));
  errno = error;
  return -1;
}

int Machine::add_descriptor() {
  ++open_;
  is_open_.push_back(true);
  return kFirst + static_cast<int>(is_open_.size()) - 1;
}

std::size_t Machine::shortened(std::size_t n) {
  return n > 1 && strikes(Fault::kShort, 4) ? schedule.part(n - 1) : n;
}

// --- what the scenario makes and moves ---------------------------------------------------------------------------

std::pair<int, std::shared_ptr<Connection>> Machine::connection() {
  const int fd = add_descriptor();
  auto made = std::make_shared<Connection>();
  constexpr std::size_t kSegments[] = {1448, 536, 65536, 16384};
  constexpr std::size_t kRooms[] = {65536, 4096, 100, 1, 16384};
  made->segment = kSegments[schedule.pick(4)];
  made->room = kRooms[schedule.pick(5)];
  sockets_.emplace(fd, made);
  return {fd, made};
}

int Machine::file(std::string bytes) {
  const int fd = add_descriptor();
  auto made = std::make_shared<FileModel>();
  made->bytes = std::move(bytes);
  made->resident.assign(made->bytes.size() / FileModel::kLot + 1, true);
  if (strikes(Fault::kCold, 2)) {
    for (std::size_t lot = 0; lot < made->resident.size(); ++lot) made->resident[lot] = schedule.pick(2) != 0;
    made->evicts = schedule.pick(4) == 3;
  }
  made->cannot_tell = strikes(Fault::kCannotTell, 2);
  files_.emplace(fd, std::move(made));
  return fd;
}

void Machine::edge(const Connection& connection, short what) {
  for (auto& [fd, watcher] : watchers_) {
    const auto found = sockets_.find(fd);
    if (found != sockets_.end() && found->second.get() == &connection) {
      watcher.edges = static_cast<short>(watcher.edges | what);
    }
  }
}

void Machine::arrive(Connection& c, std::size_t most) {
  if (c.reset || c.told_reset || c.connecting) return;
  const std::size_t n = std::min(most, c.script.size() - c.arrived);
  c.arrived += n;
  if (c.closed && n != 0) {  // nobody is there any more
    c.told_reset = true;
    return;
  }
  if (n != 0) edge(c, kRead);
  if (c.arrived < c.script.size() || c.ends == Ends::kNot || (n != 0 && schedule.pick(2) == 1)) return;
  if (c.ends == Ends::kReset) return reset_by_peer(c);
  if (!c.fin) {
    say("  FIN arrives\n");
    c.fin = true;
    edge(c, kRead | kClosed);
  }
}

void Machine::drain(Connection& c, std::size_t most) {
  if (c.reset || c.told_reset) return;
  c.acked += std::min(most, c.pushed - c.acked);
  if (c.no_space && c.free_room() * 3 >= c.room) {
    c.no_space = false;
    edge(c, kWrite);
  }
}

void Machine::reset_by_peer(Connection& c) {
  if (c.reset || c.closed) return;
  say("  RST arrives\n");
  c.reset = true;
  c.error = c.fin ? EPIPE : ECONNRESET;
  edge(c, kRead | kWrite);  // libevent hides the hang-up beside the error: see loop/socket.h
}

void Machine::connected(Connection& c, int error) {
  c.connecting = false;
  if (error != 0) {
    c.error = error;
    c.reset = true;
    return edge(c, kRead | kWrite);
  }
  edge(c, kWrite);
}

void Machine::arrive_at_listener(std::shared_ptr<Connection> connection) {
  backlog_.push_back(std::move(connection));
}

// --- the loop ----------------------------------------------------------------------------------------------------

bool Machine::watch(int fd, OnEvent on_event) {
  if (strikes(Fault::kNoEvents)) return false;
  Connection* c = socket_of(fd, "watch");
  if (c == nullptr) return false;
  short edges = 0;
  if (c->readable()) edges |= kRead;
  if (c->fin) edges |= kClosed;
  if (!c->connecting && (c->free_room() != 0 || c->reset)) edges |= kWrite;
  watchers_[fd] = {std::move(on_event), edges};
  return true;
}

void Machine::unwatch(int fd) { watchers_.erase(fd); }
void Machine::watch_first(int fd, bool first) { watchers_.at(fd).first = first; }

void Machine::watch_listener(int fd, std::function<void()> on_readable) {
  listeners_[fd] = std::move(on_readable);
}

void Machine::unwatch_listener(int fd) { listeners_.erase(fd); }

bool Machine::offload(std::function<void()> job) {
  if (strikes(Fault::kQueueFull, 4)) return false;
  jobs_.push_back(std::move(job));
  return true;
}

bool Machine::run_one_job() {
  if (jobs_.empty()) return false;
  const auto job = std::move(jobs_.front());
  jobs_.pop_front();
  job();
  return true;
}

bool Machine::quiet() const noexcept {
  return jobs_.empty() && backlog_.empty() &&
         std::none_of(watchers_.begin(), watchers_.end(),
                      [](const auto& entry) { return entry.second.edges != 0; });
}

void Machine::turn() {
  std::vector<int> ready;
  for (const auto& [fd, watcher] : watchers_) {
    if (watcher.edges != 0) ready.push_back(fd);
  }
  if (!backlog_.empty()) {
    for (const auto& [fd, on_readable] : listeners_) ready.push_back(fd);
  }
  // The kernel's order is nobody's business.
  if (ready.size() > 1) {
    std::rotate(ready.begin(), ready.begin() + schedule.pick(static_cast<std::uint32_t>(ready.size())),
                ready.end());
  }
  std::stable_partition(ready.begin(), ready.end(), [this](int fd) {
    const auto watcher = watchers_.find(fd);
    return watcher != watchers_.end() && watcher->second.first;
  });
  for (const int fd : ready) {
    if (const auto listener = listeners_.find(fd); listener != listeners_.end()) {
      const auto on_readable = listener->second;  // a copy: it may close the listener
      on_readable();
      continue;
    }
    const auto found = watchers_.find(fd);  // it may be gone since
    if (found == watchers_.end() || found->second.edges == 0) continue;
    const short edges = std::exchange(found->second.edges, short{0});
    say("edge on %d:%s%s%s\n", fd, (edges & kRead) != 0 ? " read" : "", (edges & kWrite) != 0 ? " write" : "",
        (edges & kClosed) != 0 ? " closed" : "");
    const auto on_event = found->second.on_event;
    on_event(edges);
  }
}

}  // namespace sluice::faults
