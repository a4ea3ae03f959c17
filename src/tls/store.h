// All that TLS takes from a configuration: contexts of listeners and upstreams, made where it is loaded and handed to
// the workers with it.
//
//   files ──▶ Files ──▶ parts ──▶ ServerContext, ClientContext ──▶ Contexts (a snapshot)
//
// load() is called at start, at a reload, and now and then to see whether files have changed. Where nothing has changed
// the contexts are those of before, so workers keep what they have. Established connections go on with theirs.
//
// ACME    would enter here. A client of it runs beside the store and does two things: it writes a new certificate and key
//         (load() takes them like any that changed), and it answers challenges. Those of http-01 are requests for
//         /.well-known/acme-challenge/, which a route answers, on a listener with redirect_https too; those of tls-alpn-01
//         are handshakes whose ALPN says "acme-tls/1": a certificate for each, to be chosen in ServerContext beside
//         find(). Neither is built: certbot, lego and their like write the files of both kinds, and the store sees them.
// Thread    the main thread's; what it gives is immutable and for all. Reading files may block.
// Errors    load() throws TlsError: "listener 127.0.0.1:443: /etc/site.key: Permission denied".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "tls/client_context.h"
#include "tls/files.h"
#include "tls/server_context.h"

namespace sluice::tls {

struct Contexts {
  std::map<std::string, std::shared_ptr<const ServerContext>> listeners;  // by address, as configured
  std::map<std::string, std::shared_ptr<const ClientContext>> upstreams;  // by name
  bool operator==(const Contexts&) const = default;

  // Null: no TLS there.
  [[nodiscard]] const ServerContext* listener(const std::string& address) const;
  [[nodiscard]] const ClientContext* upstream(const std::string& name) const;
};

class Store {
 public:
  // `warn` hears what people must know, each thing once. The counters are this thread's alone.
  Store(std::function<void(const std::string&)> warn, observe::Counters& counters);

  // `previous`: contexts that are taken over where their parts are the same; may be null. Gives back `previous` itself
  // when nothing has changed.
  std::shared_ptr<const Contexts> load(const config::Config& config,
                                       std::shared_ptr<const Contexts> previous);

  // Makes new ticket keys where it is time; says when to call again. Nothing: there are no keys.
  std::optional<os::Time> rotate(os::Time now);

  // The certificate of listeners with "self_signed", once there is one; it stays the same over reloads.
  [[nodiscard]] const KeyPair* self_signed() const noexcept { return self_signed_.get(); }

 private:
  ServerContext::Parts parts_of(const config::Listener& listener);
  ClientContext::Parts parts_of(const config::Upstream& upstream, bool for_http);
  ServerContext::Certificate certificate_of(const config::Certificate& entry);
  std::shared_ptr<TicketKeys> tickets_of(const config::Listener& listener);
  void forget_unwanted();

  Complaints complaints_;
  observe::Counters& counters_;
  Files<KeyPair> pairs_;
  Files<Staple> staples_;
  Files<Authorities> authorities_;
  std::map<std::string, std::shared_ptr<TicketKeys>> tickets_;  // by address
  std::shared_ptr<const KeyPair> self_signed_;
};

}  // namespace sluice::tls
