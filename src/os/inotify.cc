#include "os/inotify.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/retry.h"

namespace sluice::os {

Inotify Inotify::open(int& error) noexcept {
  Inotify out;
  out.fd_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  error = out.valid() ? 0 : errno;
  return out;
}

int Inotify::add(const std::string& path, std::uint32_t mask, int& error) noexcept {
  const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), mask);
  error = watch == -1 ? errno : 0;
  return watch;
}

void Inotify::remove(int watch) noexcept {
  // EINVAL: it has ended already.
  (void)::inotify_rm_watch(fd_.get(), watch);
}

IoResult Inotify::read(std::span<char> into) noexcept {
  return retry_eintr([&] { return ::read(fd_.get(), into.data(), into.size()); });
}

std::optional<InotifyEvent> next_event(std::string_view& events) noexcept {
  inotify_event head;
  if (events.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, events.data(), sizeof head);  // the caller's buffer need not be aligned
  if (head.len > events.size() - sizeof head) return std::nullopt;
  const std::string_view padded = events.substr(sizeof head, head.len);  // with zeros
  events.remove_prefix(sizeof head + head.len);
  return InotifyEvent{.watch = head.wd,
                      .mask = head.mask,
                      .cookie = head.cookie,
                      .name = padded.substr(0, padded.find('\0'))};
}

}  // namespace sluice::os
