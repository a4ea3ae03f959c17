#include "tls/store.h"

#include <algorithm>

#include "tls/self_signed.h"

namespace sluice::tls {

namespace {

// Those of before where they were made of the same.
template <typename Context>
std::shared_ptr<const Context> reuse_or_make(
    const std::map<std::string, std::shared_ptr<const Context>>* before, const std::string& name,
    typename Context::Parts parts) {
  if (before != nullptr) {
    const auto found = before->find(name);
    if (found != before->end() && found->second->parts() == parts) return found->second;
  }
  return Context::make(std::move(parts));
}

// Whose fault it is, before what is wrong.
template <typename Work>
void on_behalf_of(const std::string& whom, const Work& work) {
  try {
    work();
  } catch (const TlsError& error) {
    throw TlsError(whom + ": " + error.what());
  }
}

template <typename Context>
const Context* find(const std::map<std::string, std::shared_ptr<const Context>>& contexts,
                    const std::string& name) {
  const auto found = contexts.find(name);
  return found == contexts.end() ? nullptr : found->second.get();
}

}  // namespace

const ServerContext* Contexts::listener(const std::string& address) const { return find(listeners, address); }
const ClientContext* Contexts::upstream(const std::string& name) const { return find(upstreams, name); }

Store::Store(std::function<void(const std::string&)> warn, observe::Counters& counters)
    : complaints_(std::move(warn)),
      counters_(counters),
      pairs_(
          [this](const std::vector<PemText>& texts) {
            auto pair = read_key_pair(texts.at(0), texts.at(1));
            const std::string& file = texts.at(0).file;
            const std::string doubt = validity_warning(*pair->leaf, os::wall_now());
            if (!doubt.empty()) complaints_.say(file + " validity", file + ": the certificate " + doubt);
            return pair;
          },
          complaints_, counters),
      staples_(
          [](const std::vector<PemText>& texts) { return read_staple(texts.at(0).file, texts.at(0).text); },
          complaints_, counters),
      authorities_([](const std::vector<PemText>& texts) { return read_authorities(texts.at(0)); },
                   complaints_, counters) {}

std::shared_ptr<const Contexts> Store::load(const config::Config& config,
                                            std::shared_ptr<const Contexts> previous) {
  auto fresh = std::make_shared<Contexts>();
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    on_behalf_of("listener " + listener.listen, [&] {
      fresh->listeners[listener.listen] = reuse_or_make<ServerContext>(
          previous == nullptr ? nullptr : &previous->listeners, listener.listen, parts_of(listener));
    });
  }
  for (const auto& entry : config.upstreams) {  // no names for its parts: clang 14 has them not in lambdas
    const std::string& name = entry.first;
    const config::Upstream& upstream = entry.second;
    if (!upstream.tls) continue;
    // Bytes that a tcp listener passes on are in a protocol of their own.
    const bool for_http = std::any_of(config.routes.begin(), config.routes.end(),
                                      [&](const auto& route) { return route.handler.proxy == name; });
    on_behalf_of("upstream " + name, [&] {
      fresh->upstreams[name] = reuse_or_make<ClientContext>(
          previous == nullptr ? nullptr : &previous->upstreams, name, parts_of(upstream, for_http));
    });
  }
  forget_unwanted();
  if (previous != nullptr && *previous == *fresh) return previous;
  return fresh;
}

ServerContext::Parts Store::parts_of(const config::Listener& listener) {
  const config::ListenerTls& tls = *listener.tls;
  ServerContext::Parts parts{.min_version = tls.min_version, .client_certificates = tls.client_certificates};
  for (const config::Certificate& entry : tls.certificates)
    parts.certificates.push_back(certificate_of(entry));
  if (tls.self_signed) {
    if (self_signed_ == nullptr) self_signed_ = make_self_signed(names_of_this_machine(), os::wall_now());
    parts.certificates.push_back({.pair = self_signed_, .staple = nullptr});
  }
  if (tls.client_certificates != config::ClientCertificates::kOff)
    parts.client_ca = authorities_.get({tls.client_ca});
  if (listener.protocol == config::Protocol::kHttp) {
    if (tls.http2) parts.alpn.emplace_back("h2");
    parts.alpn.emplace_back("http/1.1");
    parts.alpn.emplace_back("http/1.0");
  }
  parts.tickets = tickets_of(listener);
  parts.session_life = tls.ticket_rotation;
  return parts;
}

ClientContext::Parts Store::parts_of(const config::Upstream& upstream, bool for_http) {
  const config::UpstreamTls& tls = *upstream.tls;
  ClientContext::Parts parts{.verify = tls.verify, .authorities = nullptr, .name = tls.name};
  if (tls.verify && !tls.ca.empty()) parts.authorities = authorities_.get({tls.ca});
  if (!tls.certificate.empty()) parts.own = pairs_.get({tls.certificate, tls.key});
  const bool http2 = upstream.protocol == config::UpstreamProtocol::kHttp2;
  if (for_http) parts.alpn = http2 ? "h2" : "http/1.1";
  return parts;
}

// Without a staple clients ask the issuer, or don't care: never a reason not to serve.
ServerContext::Certificate Store::certificate_of(const config::Certificate& entry) {
  ServerContext::Certificate found{.pair = pairs_.get({entry.certificate, entry.key}), .staple = nullptr};
  if (entry.ocsp.empty()) return found;
  const std::string about = entry.ocsp + " for " + entry.certificate;
  try {
    auto staple = staples_.get({entry.ocsp});
    const std::string why = unfit(*staple, *found.pair->leaf, os::wall_now());
    if (!why.empty()) throw TlsError(entry.ocsp + ": " + why);
    found.staple = std::move(staple);
    complaints_.clear(about);
  } catch (const TlsError& error) {
    complaints_.say(about,
                    std::string(error.what()) + "; " + entry.certificate + " goes without an OCSP response");
  }
  return found;
}

std::shared_ptr<TicketKeys> Store::tickets_of(const config::Listener& listener) {
  std::shared_ptr<TicketKeys>& tickets = tickets_[listener.listen];
  const auto rotation = listener.tls->ticket_rotation;
  if (tickets == nullptr) {
    tickets = std::make_shared<TicketKeys>(rotation, os::now());
    counters_.tls_ticket_keys.add();
  }
  tickets->set_rotation(rotation);
  return tickets;
}

std::optional<os::Time> Store::rotate(os::Time now) {
  std::optional<os::Time> next;
  for (auto& [address, tickets] : tickets_) {
    if (tickets->rotate(now)) counters_.tls_ticket_keys.add();
    next = std::min(next.value_or(os::Time::max()), tickets->due());
  }
  return next;
}

void Store::forget_unwanted() {
  pairs_.forget_unwanted();
  staples_.forget_unwanted();
  authorities_.forget_unwanted();
  std::erase_if(tickets_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

}  // namespace sluice::tls
