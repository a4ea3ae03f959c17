// Shows what Sluice makes of requests, one line of JSON each: refused and why, or accepted, with the request as
// it goes upstream. Another parser can then be asked whether it understands the same.
//
//   reserialise [--runs N] [--seed N] [--dict FILE] FILE|DIRECTORY...
//
// Bytes are shown as text of the same code points (Latin-1).
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "fuzz/inputs.h"
#include "fuzz/naive.h"
#include "http/parser.h"
#include "http/rewrite.h"
#include "http/target.h"
#include "relay/chunked.h"

namespace sluice::fuzz {
namespace {

using nlohmann::json;

std::string latin1(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x80) out += static_cast<char>(0xc0 | (u >> 6));
    out += static_cast<char>(u < 0x80 ? u : 0x80 | (u & 0x3f));
  }
  return out;
}

struct Body {
  std::size_t used = 0;  // bytes behind the head that it takes
  std::string payload, trailers;
  std::string framed;  // as it goes upstream
};

// nullopt: malformed, or not all of it is there.
std::optional<Body> read_body(std::string_view in, const http::RequestFacts& facts) {
  Body body;
  if (facts.framing == http::Framing::kNone) return body;
  if (facts.framing == http::Framing::kLength) {
    if (facts.length > in.size()) return std::nullopt;
    body.used = static_cast<std::size_t>(facts.length);
    body.payload = body.framed = in.substr(0, body.used);
    return body;
  }
  relay::ChunkedDecoder decoder;
  while (!decoder.done()) {
    const std::string_view rest = in.substr(body.used);
    if (const std::uint64_t size = decoder.data_left(); size != 0) {
      if (size > rest.size()) return std::nullopt;
      const std::string_view chunk = rest.substr(0, static_cast<std::size_t>(size));
      body.payload += chunk;
      relay::append_chunk_size(body.framed, size);
      body.framed.append(chunk).append("\r\n");
      decoder.took_data(size);
      body.used += chunk.size();
    } else {
      const std::size_t n = decoder.skip_framing(rest);
      if (n == 0 || decoder.broken()) return std::nullopt;
      body.used += n;
    }
  }
  if (!http::filter_trailers(decoder.trailers(), body.trailers)) return std::nullopt;
  relay::append_chunk_size(body.framed, 0);
  body.framed.append(body.trailers).append("\r\n");
  return body;
}

json list_of(const NaiveHead& head) {
  json fields = json::array();
  for (const auto& [name, value] : head.fields) fields.push_back({latin1(name), latin1(value)});
  return fields;
}

// What the program does with the same bytes on a route that passes everything to one upstream.
json view_of(const std::string& input) {
  const auto refused = [&](const char* why, int status) {
    return json{{"input", latin1(input)}, {"refused", why}, {"status", status}};
  };
  http::RequestParser parser{http::HeadLimits{}};
  const http::Parse answer = parser.parse(input);
  if (answer == http::Parse::kIncomplete) return refused("incomplete", 0);
  if (answer == http::Parse::kRefused)
    return refused(http::name_of(parser.verdict()), http::status_of(parser.verdict()));
  const http::RequestFacts facts = http::request_facts(parser.head());
  if (facts.verdict != http::Verdict::kOk)
    return refused(http::name_of(facts.verdict), http::status_of(facts.verdict));
  if (facts.https) return refused("wrong-scheme", 421);
  std::string path;
  if (!http::normalise_path(facts.path_and_query, path)) return refused("bad-target", 400);
  if (facts.max_forwards == 0) return refused("last-hop", 200);
  const auto body = read_body(std::string_view(input).substr(parser.head().size()), facts);
  if (!body) return refused("body", 0);

  std::string buffer(1 << 17, '\0');
  http::HeadWriter out(buffer);
  http::write_upstream_request(out, parser.head(), facts,
                               {.target = facts.path_and_query,
                                .host = facts.host.empty() ? "upstream" : facts.host,
                                .client_ip = "127.0.0.1",
                                .client_host = facts.host});
  const std::string head(out.text());
  const auto sent = read_naively(head, true);
  const auto trailers = read_naively("GET / HTTP/1.1\r\n" + body->trailers + "\r\n", true);
  const auto line = split(sent->start_line, " ");
  return {{"input", latin1(input.substr(0, parser.head().size() + body->used))},
          {"method", line[0]},
          {"target", line[1]},
          {"fields", list_of(*sent)},
          {"trailers", list_of(*trailers)},
          {"body", latin1(body->payload)},
          {"sent", latin1(head + body->framed)}};
}

}  // namespace
}  // namespace sluice::fuzz

int main(int argc, char** argv) {
  sluice::fuzz::Inputs inputs(argc, argv);
  while (const auto input = inputs.next()) std::puts(sluice::fuzz::view_of(*input).dump().c_str());
  return 0;
}
