// Response heads: as request.cc, for what servers send.
#include <string>

#include "fuzz/heads.h"

namespace sluice::fuzz {
namespace {

using http::ClientResponse;
using http::Framing;
using http::Method;
using http::ResponseFacts;
using http::ResponseHead;
using http::Verdict;

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

std::string describe(const ResponseFacts& facts) {
  std::string out = http::name_of(facts.verdict);
  out.append(" framing ").append(std::to_string(static_cast<int>(facts.framing)));
  out.append(facts.has_length ? " length " + std::to_string(facts.length) : "");
  out.append(facts.keep_alive ? " keep" : "").append(facts.interim ? " interim" : "");
  return out.append(facts.has_date ? " date" : "");
}

// As a response goes to a client: a length stays one, everything else is chunked, or until close.
ClientResponse options_for(const ResponseHead& head, const ResponseFacts& facts, bool http10) {
  if (facts.interim) return {};
  if (head.status == 101) return {.upgrade = true};
  Framing framing = facts.framing;
  if (framing == Framing::kChunked || framing == Framing::kUntilClose)
    framing = http10 ? Framing::kUntilClose : Framing::kChunked;
  return {.framing = framing,
          .length = facts.length,
          .has_length = facts.has_length,
          .keep_alive = facts.keep_alive && framing != Framing::kUntilClose,
          .http10_client = http10,
          .date = kDate,
          .server_timing = "sluice"};
}

bool is_written_anew(const std::string& name) {
  return name == "content-length" || name == "date" || name == "server-timing";
}

void check_rewritten(const ResponseHead& head, const NaiveHead& before, const ResponseFacts& facts,
                     Method method, bool http10) {
  const ClientResponse options = options_for(head, facts, http10);
  const auto rewrite = [&](const ResponseHead& from) {
    return written([&](http::HeadWriter& out) { http::write_client_response(out, from, options); });
  };
  const std::string text = rewrite(head);
  const NaiveHead after = read_written(text, false);
  require_same(passing_fields(after, is_written_anew), passing_fields(before, is_written_anew),
               "the other fields pass, in their order");
  require(after.values("transfer-encoding").size() == (options.framing == Framing::kChunked ? 1 : 0) &&
              after.values("content-length").size() <= 1,
          "the framing is written once");
  require(head.status < 200 || (facts.has_date ? !after.values("date").empty()
                                               : after.values("date") == std::vector{std::string(kDate)}),
          "a response has a date");
  const auto connection = after.values("connection");
  require(connection.size() <= 1, "one Connection field");
  if (head.status >= 200)
    require_same(connection.empty() ? "" : connection[0],
                 !options.keep_alive ? "close"
                 : http10            ? "keep-alive"
                                     : "",
                 "Connection says what we will do");

  if (after.fields.size() > http::kMaxFields) return;  // the next hop's limit, if it is one of ours
  const http::ParsedResponse again(text, kWidest);
  ResponseFacts wanted = facts;
  wanted.framing = options.framing;
  wanted.has_date = !after.values("date").empty();
  wanted.keep_alive = options.keep_alive && head.status != 101;
  require_same(describe(http::response_facts(again.head(), method)), describe(wanted),
               "written and parsed again, it means the same");
  require(again.head().status == head.status, "with the same status");
  require_same(again.head().view(again.head().reason), head.view(head.reason), "and the same reason");

  const auto besides = [](const std::string& name) { return name == "server-timing"; };
  require_same(passing_fields(read_written(rewrite(again.head()), false), besides),
               passing_fields(after, besides), "written once more, nothing changes");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice::fuzz;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (!check_parsing<sluice::http::ResponseParser>(text, false)) return 0;

  const sluice::http::ParsedResponse response(text), elsewhere(text);
  const auto naive = read_naively(text, false);
  for (const Method method : {Method::kGet, Method::kHead}) {
    const ResponseFacts facts = sluice::http::response_facts(response.head(), method);
    require_same(describe(sluice::http::response_facts(elsewhere.head(), method)), describe(facts),
                 "facts are stable");
    if (facts.verdict != Verdict::kOk) continue;
    const bool bodyless = method == Method::kHead || response.head().status < 200 ||
                          response.head().status == 204 || response.head().status == 304;
    require((facts.framing == Framing::kNone) == bodyless,
            "the status and the method say whether a body follows");
    require(naive->values("content-length").size() <= 1, "one length");
    for (const bool http10 : {false, true}) check_rewritten(response.head(), *naive, facts, method, http10);
  }
  return 0;
}
