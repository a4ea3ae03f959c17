#include "upstream/http2_pool.h"

#include <algorithm>
#include <cerrno>

#include "upstream/http2_connection.h"

namespace sluice::upstream {

Http2Pool::~Http2Pool() { retire(); }

std::shared_ptr<Http2Connection> Http2Pool::find(bool connecting) const noexcept {
  const int wanted = connecting ? EINPROGRESS : 0;
  for (const auto& one : all_)
    if (one->state() == wanted && one->has_room()) return one;
  return nullptr;
}

void Http2Pool::add(std::shared_ptr<Http2Connection> connection) { all_.push_back(std::move(connection)); }

void Http2Pool::drop(Http2Connection& connection) noexcept {
  const auto at =
      std::find_if(all_.begin(), all_.end(), [&](const auto& one) { return one.get() == &connection; });
  if (at == all_.end()) return;
  auto dropped = std::move(*at);
  all_.erase(at);
  dropped->retire();
  Http2Connection::let_go(std::move(dropped));
}

void Http2Pool::retire() noexcept {
  while (!all_.empty()) drop(*all_.back());
}

std::size_t Http2Pool::idle() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [](const auto& one) { return one->idle(); }));
}

}  // namespace sluice::upstream
