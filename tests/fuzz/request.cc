// Request heads: parsed alike however they arrive, understood alike, and written so that the next parser
// understands the same.
#include <string>

#include "fuzz/heads.h"
#include "http/target.h"

namespace sluice::fuzz {
namespace {

using http::ForwardedStyle;
using http::Framing;
using http::RequestFacts;
using http::RequestHead;
using http::Verdict;

std::string describe(const RequestFacts& facts) {
  std::string out = http::name_of(facts.verdict);
  out.append(" framing ").append(std::to_string(static_cast<int>(facts.framing)));
  out.append(" length ").append(std::to_string(facts.length));
  out.append(facts.keep_alive ? " keep" : "").append(facts.http10 ? " 1.0" : "");
  out.append(facts.expects_continue ? " continue" : "").append(facts.wants_upgrade ? " upgrade" : "");
  out.append(facts.accepts_trailers ? " trailers" : "");
  out.append(" host ").append(facts.host).append(" path ").append(facts.path_and_query);
  return out + " hops " + std::to_string(facts.max_forwards);
}

// What must be so in a request that is passed on, whatever else it holds. RFC 9112 sections 3.2 and 6.
void check_accepted(const NaiveHead& naive, const RequestFacts& facts) {
  const auto lengths = naive.values("content-length"), codings = naive.values("transfer-encoding"),
             hosts = naive.values("host");
  require(lengths.size() + codings.size() <= 1, "one field frames the body");
  require(codings.empty() || (lower(codings[0]) == "chunked" && !facts.http10), "the coding is chunked");
  require(lengths.empty() || facts.length == std::stoull(lengths[0]), "a length is the field's");
  require(facts.framing == (!codings.empty()   ? Framing::kChunked
                            : !lengths.empty() ? Framing::kLength
                                               : Framing::kNone),
          "the framing is the field's");
  require(hosts.size() == 1 || (hosts.empty() && facts.http10), "one host");
  require(facts.host.find_first_of("/?#@ \t\"<>") == std::string_view::npos, "a host is no more than a host");
  require(facts.path_and_query.starts_with('/') || facts.path_and_query.starts_with('?') ||
              facts.path_and_query == "*",
          "a target in origin form");
}

void check_path(std::string_view path_and_query) {
  std::string path;
  if (!http::normalise_path(path_and_query, path)) return;
  require(path == "*" || path.starts_with('/'), "a path begins with a slash");
  require(path.find('\0') == std::string::npos, "a path holds no NUL");
  require(path.find("//") == std::string::npos, "a path has no empty segment");
  for (const std::string_view segment : split(path, "/"))
    require(segment != "." && segment != "..", "a path climbs nowhere");
}

struct Case {
  ForwardedStyle style;
  bool trust;
};

std::string rewrite(const RequestHead& head, const RequestFacts& facts, const Case& c) {
  // As a route does: a request without a host gets the upstream's.
  const std::string_view host = facts.host.empty() ? "upstream:81" : facts.host;
  return written([&](http::HeadWriter& out) {
    http::write_upstream_request(out, head, facts,
                                 {.target = facts.path_and_query,
                                  .host = host,
                                  .forwarded = c.style,
                                  .trust_client = c.trust,
                                  .client_ip = "192.0.2.7",
                                  .client_host = facts.host});
  });
}

bool is_written_anew(const std::string& name) {
  return name == "host" || name == "content-length" || name == "expect" || name == "via" ||
         name == "max-forwards" || name == "forwarded" || is_ours_to_say(name);
}

void check_field(const NaiveHead& head, std::string_view name, bool present, std::string_view value) {
  const auto values = head.values(name);
  require(values.size() == (present ? 1 : 0), std::string(name) + " stands as often as it should");
  if (present) require_same(values[0], value, name);
}

void check_generated(const NaiveHead& before, const NaiveHead& after, const RequestFacts& facts,
                     const Case& c) {
  check_field(after, "host", true, facts.host.empty() ? "upstream:81" : facts.host);
  check_field(after, "content-length", facts.framing == Framing::kLength, std::to_string(facts.length));
  check_field(after, "transfer-encoding", facts.framing == Framing::kChunked, "chunked");
  check_field(after, "expect", facts.expects_continue, "100-continue");
  check_field(after, "te", facts.accepts_trailers, "trailers");
  const std::string connection =
      facts.wants_upgrade ? (facts.accepts_trailers ? "upgrade, TE" : "upgrade") : "TE";
  check_field(after, "connection", facts.wants_upgrade || facts.accepts_trailers, connection);
  require(after.values("upgrade") ==
              (facts.wants_upgrade ? before.values("upgrade") : std::vector<std::string>{}),
          "Upgrade goes on only when it is wanted");
  require(after.values("via").size() == 1 && after.values("via")[0].ends_with("1 sluice") + facts.http10 == 1,
          "Via names this hop");
  for (const std::string_view name :
       {"client-cert", "client_cert", "client-cert-chain", "x-client-cert-verified"})
    require(after.values(name).empty(), "nobody has shown a certificate");
  const bool x = c.style == ForwardedStyle::kX || c.style == ForwardedStyle::kBoth;
  const bool rfc = c.style == ForwardedStyle::kRfc7239 || c.style == ForwardedStyle::kBoth;
  if (c.trust) {
    require(!x || (after.values("x-forwarded-for").size() == 1 &&
                   after.values("x-forwarded-for")[0].ends_with("192.0.2.7")),
            "X-Forwarded-For ends with the client");
    return;
  }
  std::size_t ours = 0;
  for (const auto& [name, value] : after.fields)
    if (lower(name).starts_with("x-forwarded-")) ++ours;
  require(ours == (!x ? 0U : facts.host.empty() ? 2U : 3U), "a client can't say what only we may say");
  check_field(after, "x-forwarded-for", x, "192.0.2.7");
  require(after.values("forwarded").size() == (rfc ? 1 : 0) &&
              (!rfc || after.values("forwarded")[0].starts_with("for=192.0.2.7;")),
          "nor in Forwarded");
}

void check_rewritten(const RequestHead& head, const NaiveHead& before, const RequestFacts& facts,
                     const Case& c) {
  const std::string text = rewrite(head, facts, c);
  const NaiveHead after = read_written(text, true);
  require_same(passing_fields(after, is_written_anew), passing_fields(before, is_written_anew),
               "the other fields pass, in their order");
  check_generated(before, after, facts, c);

  if (after.fields.size() > http::kMaxFields) return;  // the next hop's limit, if it is one of ours
  const http::ParsedRequest again(text, kWidest);
  const RequestFacts next = http::request_facts(again.head());
  RequestFacts wanted = facts;
  wanted.keep_alive = true;
  wanted.http10 = false;
  wanted.host = facts.host.empty() ? "upstream:81" : facts.host;
  const std::string origin_form =
      (facts.path_and_query.starts_with('?') ? "/" : "") + std::string(facts.path_and_query);
  wanted.path_and_query = origin_form;
  if (facts.max_forwards > 0) --wanted.max_forwards;
  require_same(describe(next), describe(wanted), "written and parsed again, it means the same");
  require(again.head().method == head.method, "with the same method");

  // Once more: nothing is left to change.
  const NaiveHead third = read_written(rewrite(again.head(), next, {ForwardedStyle::kOff, true}), true);
  require_same(third.start_line, after.start_line, "the same request line");
  require_same(passing_fields(third, is_written_anew), passing_fields(after, is_written_anew),
               "and the same fields");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice::fuzz;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (!check_parsing<sluice::http::RequestParser>(text, true)) return 0;

  const sluice::http::ParsedRequest request(text);
  const RequestFacts facts = sluice::http::request_facts(request.head());
  const sluice::http::ParsedRequest elsewhere(text);
  require_same(describe(sluice::http::request_facts(elsewhere.head())), describe(facts), "facts are stable");
  check_path(facts.path_and_query);
  const auto naive = read_naively(text, true);
  const auto lengths = naive->values("content-length");
  require((facts.verdict == Verdict::kBadLength) == (lengths.size() == 1 && !naive_length(lengths[0])),
          "a length is digits, and has its limit");
  if (facts.verdict != Verdict::kOk) {
    require(sluice::http::status_of(facts.verdict) >= 400, "a refusal has a status");
    return 0;
  }
  check_accepted(*naive, facts);
  for (const auto style :
       {ForwardedStyle::kOff, ForwardedStyle::kX, ForwardedStyle::kRfc7239, ForwardedStyle::kBoth})
    for (const bool trust : {false, true}) check_rewritten(request.head(), *naive, facts, {style, trust});
  return 0;
}
