#include "http/message.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "http/chars.h"
#include "http/target.h"

namespace sluice::http {
namespace {

constexpr std::uint64_t kMaxLength = std::numeric_limits<std::int64_t>::max();  // it has to fit an off_t
constexpr std::uint64_t kMaxMaxForwards = 1'000'000;

// What the fields of both kinds of heads say about framing and connection, before it is judged.
struct Seen {
  std::uint64_t length = 0;
  bool has_length = false;
  bool has_coding = false, ends_in_chunked = false, other_coding = false;
  Verdict length_verdict = Verdict::kOk;
  Verdict coding_verdict = Verdict::kOk;
  bool close = false, keep_alive = false, upgrade = false;  // Connection options

  void take_length(std::string_view value) noexcept {
    const auto number = parse_digits(value, kMaxLength);
    if (has_length) {
      length_verdict =
          Verdict::kRepeatedLength;  // even when both say the same: one of the two hops disagreed once
    } else if (!number) {
      length_verdict = Verdict::kBadLength;
    }
    has_length = true;
    length = number.value_or(0);
  }

  // One "chunked", alone in one field, passes: RFC 9112 section 6.1. Everything else is refused; what follows
  // the first line only finds out with which answer.
  void take_coding(std::string_view value) noexcept {
    const bool alone = !has_coding && equals_ignoring_case(value, "chunked");
    has_coding = true;
    if (!alone && coding_verdict == Verdict::kOk) coding_verdict = Verdict::kUnknownCoding;
    const bool well_formed = for_each_token(value, [this](std::string_view element) {
      const std::string_view name = element.substr(0, element.find_first_of("; \t"));
      if (ends_in_chunked || !is_token(name)) return false;  // chunked twice, or not last
      ends_in_chunked = equals_ignoring_case(name, "chunked");
      other_coding = other_coding || !ends_in_chunked;
      return !ends_in_chunked || name.size() == element.size();  // it has no parameters
    });
    if (!well_formed || (!alone && !other_coding)) coding_verdict = Verdict::kBadCoding;
  }

  void take_connection(std::string_view value) noexcept {
    for_each_token(value, [this](std::string_view option) {
      if (equals_ignoring_case(option, "close")) close = true;
      if (equals_ignoring_case(option, "keep-alive")) keep_alive = true;
      if (equals_ignoring_case(option, "upgrade")) upgrade = true;
      return true;
    });
  }

  [[nodiscard]] Verdict framing_verdict(int minor) const noexcept {
    if (length_verdict != Verdict::kOk) return length_verdict;
    if (has_coding && minor == 0) return Verdict::kCodingInHttp10;
    if (has_coding && has_length) return Verdict::kLengthAndCoding;
    return coding_verdict;
  }
  [[nodiscard]] bool persists(int minor) const noexcept { return !close && (minor > 0 || keep_alive); }
};

Verdict judge_host(const Head& head, const Field* host, int count, int minor) noexcept {
  if (count > 1) return Verdict::kHostRepeated;
  if (host == nullptr) return minor > 0 ? Verdict::kHostMissing : Verdict::kOk;
  // Empty is for targets without an authority (RFC 9110 section 7.2); http and https always have one.
  return is_valid_authority(head.value(*host)) ? Verdict::kOk : Verdict::kBadHost;
}

// Fills host and path_and_query.
Verdict judge_target(const RequestHead& head, RequestFacts& facts) noexcept {
  const std::string_view text = head.view(head.target);
  const Target target = split_target(text);
  if (!target.valid) return Verdict::kBadTarget;
  facts.path_and_query = target.path_and_query;
  facts.https = target.https;
  if (!target.authority.empty()) {
    facts.host = target.authority;  // overrides Host, RFC 9112 section 3.2.2
    const bool no_path = target.authority.data() + target.authority.size() == text.data() + text.size();
    if (no_path && head.method == Method::kOptions) facts.path_and_query = "*";  // section 3.2.4
  }
  if (text == "*" && head.method != Method::kOptions) return Verdict::kBadTarget;
  return Verdict::kOk;
}

}  // namespace

bool has_token(std::string_view list, std::string_view token) noexcept {
  return !for_each_token(list, [token](std::string_view t) { return !equals_ignoring_case(t, token); });
}

RequestFacts request_facts(const RequestHead& head) noexcept {
  RequestFacts facts;
  Seen seen;
  const Field* host = nullptr;
  int hosts = 0;
  bool upgrade = false, h2c = false, expects_continue = false, unknown_expectation = false;
  const bool counts_hops = head.method == Method::kOptions || head.method == Method::kTrace;

  for (const Field& field : head.fields()) {
    const std::string_view value = head.value(field);
    switch (field.id) {
      case FieldId::kHost:
        host = &field;
        ++hosts;
        break;
      case FieldId::kContentLength:
        seen.take_length(value);
        break;
      case FieldId::kTransferEncoding:
        seen.take_coding(value);
        break;
      case FieldId::kConnection:
        seen.take_connection(value);
        break;
      case FieldId::kExpect:
        for_each_token(value, [&](std::string_view member) {
          (equals_ignoring_case(member, "100-continue") ? expects_continue : unknown_expectation) = true;
          return true;
        });
        break;
      case FieldId::kUpgrade:
        upgrade = upgrade || !value.empty();
        h2c = h2c || has_token(value, "h2c");
        break;
      case FieldId::kTe:
        facts.accepts_trailers = facts.accepts_trailers || has_token(value, "trailers");
        break;
      case FieldId::kMaxForwards:
        if (counts_hops && !value.empty() && std::all_of(value.begin(), value.end(), is_digit))
          facts.max_forwards =
              static_cast<int>(parse_digits(value, kMaxMaxForwards).value_or(kMaxMaxForwards));
        break;
      default:
        break;  // nothing to learn from the others
    }
  }

  facts.http10 = head.minor == 0;
  facts.keep_alive = seen.persists(head.minor);
  if (host != nullptr) facts.host = head.value(*host);
  if (seen.has_coding) {
    facts.framing = Framing::kChunked;
  } else if (seen.has_length) {
    facts.framing = Framing::kLength;
    facts.length = seen.length;
  }
  const bool has_body =
      facts.framing == Framing::kChunked || (facts.framing == Framing::kLength && facts.length > 0);
  // A server must ignore it in HTTP/1.0, and without a body there is nothing to wait for: RFC 9110
  // section 10.1.1.
  facts.expects_continue = expects_continue && has_body && !facts.http10;
  facts.wants_upgrade = upgrade && seen.upgrade && !h2c && !has_body && !facts.http10;
  facts.accepts_trailers = facts.accepts_trailers && !facts.http10;

  // Framing first: what breaks it breaks the connection, whatever else is wrong.
  facts.verdict = seen.framing_verdict(head.minor);
  if (facts.verdict == Verdict::kOk) facts.verdict = judge_host(head, host, hosts, head.minor);
  if (facts.verdict == Verdict::kOk && (head.method == Method::kConnect || head.method == Method::kTrace))
    facts.verdict = Verdict::kMethodNotAllowed;
  const Verdict target = judge_target(head, facts);  // the log wants host and path of a refused request too
  if (facts.verdict == Verdict::kOk) facts.verdict = target;
  if (facts.verdict == Verdict::kOk && unknown_expectation) facts.verdict = Verdict::kUnknownExpectation;
  return facts;
}

ResponseFacts response_facts(const ResponseHead& head, Method request_method) noexcept {
  ResponseFacts facts;
  Seen seen;
  for (const Field& field : head.fields()) {
    switch (field.id) {
      case FieldId::kContentLength:
        seen.take_length(head.value(field));
        break;
      case FieldId::kTransferEncoding:
        seen.take_coding(head.value(field));
        break;
      case FieldId::kConnection:
        seen.take_connection(head.value(field));
        break;
      case FieldId::kDate:
        facts.has_date = true;
        break;
      default:
        break;  // nothing to learn from the others
    }
  }

  const bool informational = head.status < 200;
  const bool describes_body = request_method == Method::kHead || head.status == 304;
  facts.interim = informational && head.status != 101;
  facts.keep_alive = seen.persists(head.minor) && head.status != 101;
  if (informational || head.status == 204 || describes_body) {
    // Nothing follows, so a coding can't mislead; but a server that sends one in HTTP/1.0 can't frame. Nor can
    // one that announces a body where none may be (RFC 9110 section 8.6, RFC 9112 section 6.1): it may send it.
    const bool may_announce = describes_body && !informational && head.status != 204;
    const bool announces = seen.has_coding || (seen.has_length && seen.length != 0);
    if ((seen.has_coding && head.minor == 0) || (announces && !may_announce)) facts.keep_alive = false;
    facts.verdict = seen.length_verdict;
    facts.has_length = may_announce && seen.has_length && !seen.has_coding;
    facts.length = facts.has_length ? seen.length : 0;
    return facts;
  }
  facts.verdict = seen.framing_verdict(head.minor);
  if (seen.has_coding) {
    facts.framing = Framing::kChunked;
  } else if (seen.has_length) {
    facts.framing = Framing::kLength;
    facts.has_length = true;
    facts.length = seen.length;
  } else {
    facts.framing = Framing::kUntilClose;
    facts.keep_alive = false;
  }
  return facts;
}

bool is_hop_by_hop(const Head& head, const Field& field) noexcept {
  switch (field.id) {
    case FieldId::kConnection:
    case FieldId::kHttp2Settings:
    case FieldId::kKeepAlive:
    case FieldId::kProxyAuthenticate:
    case FieldId::kProxyAuthorization:
    case FieldId::kProxyConnection:
    case FieldId::kTe:
    case FieldId::kTransferEncoding:
    case FieldId::kUpgrade:
      return true;
    // Naming these must not unframe, unroute or unsign a message.
    case FieldId::kContentLength:
    case FieldId::kForwarded:
    case FieldId::kHost:
    case FieldId::kVia:
    case FieldId::kXForwardedFor:
    case FieldId::kXForwardedHost:
    case FieldId::kXForwardedProto:
      return false;
    default:
      break;  // hop-by-hop only when named
  }
  if (!head.connection_names_fields()) return false;
  for (const Field& connection : head.fields())
    if (connection.id == FieldId::kConnection && has_token(head.value(connection), head.name(field)))
      return true;
  return false;
}

}  // namespace sluice::http
