// Chunked framing: decoded alike however it arrives, alike by a naive reading, and written so that it decodes to
// the same.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/naive.h"
#include "fuzz/require.h"
#include "http/rewrite.h"
#include "relay/chunked.h"

namespace sluice::fuzz {
namespace {

using relay::ChunkedDecoder;

enum class End { kDone, kBroken, kOpen };

struct Outcome {
  End end = End::kOpen;
  std::size_t used = 0;  // when done
  std::string body, trailers;
  std::vector<std::size_t> chunks;
  bool operator==(const Outcome&) const = default;
};

// Pieces have a copy of their own, as long as they are: a sanitizer sees a read past the end.
bool feed(ChunkedDecoder& decoder, std::string_view piece, Outcome& out) {
  const auto copy = std::make_unique<char[]>(piece.size());
  piece.copy(copy.get(), piece.size());
  std::string_view in(copy.get(), piece.size());
  while (!in.empty() && !decoder.done() && !decoder.broken()) {
    std::size_t n = 0;
    if (decoder.data_left() != 0) {
      n = static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), decoder.data_left()));
      out.body += in.substr(0, n);
      decoder.took_data(n);
    } else {
      n = decoder.skip_framing(in);
      require(n <= in.size(), "no more is consumed than there is");
      require(n > 0 || decoder.broken(), "progress is made");
      if (decoder.data_left() != 0) out.chunks.push_back(static_cast<std::size_t>(decoder.data_left()));
    }
    in.remove_prefix(n);
    out.used += n;
  }
  return !decoder.done() && !decoder.broken();
}

Outcome decode(std::string_view in, const std::vector<std::size_t>& cuts) {
  ChunkedDecoder decoder;
  Outcome out;
  std::size_t from = 0;
  for (const std::size_t to : cuts) {
    const bool more = feed(decoder, in.substr(from, to - from), out);
    require(decoder.trailers().size() <= ChunkedDecoder::kMostTrailers, "trailers are bounded");
    if (!more) break;
    from = to;
  }
  require(!(decoder.done() && decoder.broken()), "done or broken");
  require((!decoder.done() && !decoder.broken()) || decoder.data_left() == 0, "nothing is left at the end");
  out.end = decoder.done() ? End::kDone : decoder.broken() ? End::kBroken : End::kOpen;
  if (decoder.done()) out.trailers = decoder.trailers();
  return out;
}

Outcome decode_every_way(std::string_view in) {
  const Outcome whole = decode(in, {in.size()});
  const std::size_t stride = 1 + in.size() / 2048 * 64;
  std::vector<std::size_t> each;
  for (std::size_t cut = 0; cut < in.size(); cut += stride) {
    require(decode(in, {cut, in.size()}) == whole, "cut in two, it means the same");
    each.push_back(cut);
  }
  each.push_back(in.size());
  require(decode(in, each) == whole, "byte by byte, it means the same");
  return whole;
}

bool is_extension(std::string_view text) {
  const std::string_view behind_space = text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.empty() || (behind_space.starts_with(';') && naive_value(text));
}

// Whole lines only: no state but the place. nullopt: not a complete, well-formed body.
std::optional<Outcome> read_body_naively(std::string_view in) {
  Outcome out;
  std::size_t at = 0, extensions = 0;
  const auto line = [&]() -> std::optional<std::string_view> {
    const std::size_t end = in.find("\r\n", at);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view found = in.substr(at, end - at);
    at = end + 2;
    return found;
  };
  for (;;) {
    const auto head = line();
    if (!head) return std::nullopt;
    const std::size_t digits = std::min(head->find_first_not_of("0123456789abcdefABCDEF"), head->size());
    if (digits == 0 || digits > 16 || !is_extension(head->substr(digits))) return std::nullopt;
    const std::uint64_t size = std::stoull(std::string(head->substr(0, digits)), nullptr, 16);
    if (size > INT64_MAX) return std::nullopt;
    if (head->size() > digits) extensions += head->size() - digits - 1;
    if (extensions > 16 * 1024) return std::nullopt;
    if (size == 0) break;
    if (size > in.size() - at) return std::nullopt;
    out.body += in.substr(at, size);
    out.chunks.push_back(size);
    at += size;
    if (!in.substr(at).starts_with("\r\n")) return std::nullopt;
    at += 2;
  }
  for (;;) {
    const std::size_t begin = at;
    const auto trailer = line();
    if (!trailer || !naive_value(*trailer)) return std::nullopt;
    if (trailer->empty()) break;
    out.trailers += in.substr(begin, at - begin);
    if (out.trailers.size() > ChunkedDecoder::kMostTrailers) return std::nullopt;
  }
  out.used = at;
  out.end = End::kDone;
  return out;
}

// What may not be merged into a head behind its back, whoever merges: RFC 9110 section 6.5.1.
bool is_harmful(const std::string& name) {
  static const std::vector<std::string> kHarmful = {"transfer-encoding",
                                                    "content-length",
                                                    "host",
                                                    "connection",
                                                    "te",
                                                    "trailer",
                                                    "upgrade",
                                                    "authorization",
                                                    "content-encoding",
                                                    "content-type",
                                                    "content-range",
                                                    "set-cookie",
                                                    "cookie",
                                                    "expect",
                                                    "max-forwards",
                                                    "via",
                                                    "forwarded",
                                                    "cache-control"};
  return is_ours_to_say(name) || std::find(kHarmful.begin(), kHarmful.end(), name) != kHarmful.end();
}

// Returns what passes; "" also when the section is refused.
std::string check_trailers(std::string_view raw) {
  std::string out = "kept";
  const bool ok = http::filter_trailers(raw, out);
  require(out.starts_with("kept") && (ok || out == "kept"), "a filter appends, and nothing when it refuses");
  out.erase(0, 4);
  const std::string head = "GET / HTTP/1.1\r\n" + std::string(raw) + "\r\n";
  const auto naive = read_naively(head, true);
  const bool well_formed = naive && naive->size == head.size();
  if (raw.size() < 65000 && (!naive || naive->fields.size() <= http::kMaxFields))
    require(ok == well_formed, "what is well-formed passes, and nothing else");
  if (!ok) return "";
  const auto kept = read_naively("GET / HTTP/1.1\r\n" + out + "\r\n", true);
  require(kept.has_value(), "what passes is well-formed");
  for (const auto& [name, value] : kept->fields)
    require(!is_harmful(lower(name)), "what decides may not pass");
  std::string again;
  require(http::filter_trailers(out, again) && again == out, "filtered twice, it is the same");
  return out;
}

// Writes the body anew in the chunks it came in, as the relay does, and decodes that.
void check_written(const Outcome& body) {
  std::string out;
  std::size_t at = 0;
  for (const std::size_t size : body.chunks) {
    relay::append_chunk_size(out, size);
    out.append(body.body, at, size).append("\r\n");
    at += size;
  }
  const std::string trailers = check_trailers(body.trailers);
  relay::append_chunk_size(out, 0);
  out.append(trailers).append("\r\n");
  const Outcome again = decode(out + "GET", {out.size() + 3});
  require(again.end == End::kDone && again.used == out.size(), "a written body ends where it ends");
  require_same(again.body, body.body, "the same body");
  require_same(again.trailers, trailers, "the same trailers");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice::fuzz;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const Outcome got = decode_every_way(in);
  const auto naive = read_body_naively(in);
  require((got.end == End::kDone) == naive.has_value(), "what is well-formed ends, and nothing else");
  if (naive) {
    require(got == *naive, "the naive reading gives the same");
    check_written(got);
  }
  (void)check_trailers(in);
  return 0;
}
