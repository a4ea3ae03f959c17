// An upstream of one worker: its servers, found by address or by name, and whose turn it is.
//
// Balancing   round robin over the servers that are up. When all are down nobody is asked: the client hears
// 503 at once
//             instead of waiting for one more timeout. An only server is never taken for down.
// Names       are looked up on offload threads, at start and every `resolve_every`; a failed look-up keeps
// the old
//             addresses, and so does a reload. Until the first answer there may be no server at all.
// Thread      the worker's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "loop/event_loop.h"
#include "loop/offload.h"
#include "upstream/server.h"

namespace sluice::upstream {

class Group {
 public:
  // `previous`: whose addresses serve until the look-ups have answered; null: there is none.
  // `tls`: null where connections are plain.
  Group(loop::EventLoop& loop, loop::Offload& offload, const config::Upstream& config,
        const Group* previous = nullptr, std::shared_ptr<const tls::ClientContext> tls = nullptr);
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  // The next server to try, not among `tried`; null: none is left or up.
  std::shared_ptr<Server> pick(const std::vector<Server*>& tried);

  // True until every name was looked up once.
  [[nodiscard]] bool resolving() const noexcept;
  // Calls `ready` once it no longer is, unless the returned token is gone by then.
  [[nodiscard]] std::shared_ptr<void> when_resolved(std::function<void()> ready);

  [[nodiscard]] const config::Upstream& config() const noexcept { return config_; }
  [[nodiscard]] const tls::ClientContext* tls() const noexcept { return tls_.get(); }
  [[nodiscard]] std::size_t idle() const noexcept;
  [[nodiscard]] std::size_t server_count() const noexcept { return servers_.size(); }

 private:
  // One configured server: an address, or a name with what it resolved to.
  struct Entry final : loop::Deadline {
    Group* group = nullptr;
    config::Server config;
    bool literal = false;
    bool resolved = false;
    bool failing = false;  // the last look-up found nothing
    loop::Ticket ticket;
    std::vector<std::shared_ptr<Server>> servers;
    void on_deadline() override { group->look_up(*this); }
  };
  void look_up(Entry& entry);
  void inherit(Entry& entry, const Group& previous);
  void take_addresses(Entry& entry, const std::vector<os::Address>& addresses);
  void collect();

  loop::EventLoop& loop_;
  loop::Offload& offload_;
  const config::Upstream config_;
  const std::shared_ptr<const tls::ClientContext> tls_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<std::shared_ptr<Server>> servers_;  // of all entries
  std::size_t next_ = 0;
  std::vector<std::pair<std::weak_ptr<void>, std::function<void()>>> waiting_;
};

}  // namespace sluice::upstream
