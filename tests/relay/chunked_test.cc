#include "relay/chunked.h"

#include <vector>

#include "catch.h"

using sluice::relay::append_chunk_size;
using sluice::relay::ChunkedDecoder;

namespace {

enum class End { kDone, kBroken, kOpen };  // kOpen: it waits for more

struct Outcome {
  End end = End::kOpen;
  std::string body, trailers;
  std::size_t used = 0;  // bytes consumed; what follows the body is not touched
  bool operator==(const Outcome&) const = default;
};

// Feeds one piece; false when the decoder wants no more.
bool feed(ChunkedDecoder& decoder, std::string_view in, Outcome& out) {
  while (!in.empty() && !decoder.done() && !decoder.broken()) {
    std::size_t n = 0;
    if (decoder.data_left() != 0) {
      n = static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), decoder.data_left()));
      out.body += in.substr(0, n);
      decoder.took_data(n);
    } else {
      n = decoder.skip_framing(in);
      if (n == 0 && !decoder.broken()) {
        FAIL("no progress");
        return false;
      }
    }
    in.remove_prefix(n);
    out.used += n;
  }
  if (decoder.done()) out.end = End::kDone;
  if (decoder.broken()) out.end = End::kBroken;
  return !decoder.done() && !decoder.broken();
}

Outcome decode(std::string_view in, const std::vector<std::size_t>& cuts) {
  ChunkedDecoder decoder;
  Outcome out;
  std::size_t from = 0;
  for (const std::size_t to : cuts) {
    if (!feed(decoder, in.substr(from, to - from), out)) break;
    from = to;
  }
  out.trailers = decoder.trailers();
  return out;
}

// Whole, split in two at every offset, and byte by byte: all the same.
Outcome decode_every_way(std::string_view in) {
  Outcome whole = decode(in, {in.size()});
  std::size_t differing = 0;
  std::vector<std::size_t> single;
  for (std::size_t at = 1; at < in.size(); ++at) {
    if (!(decode(in, {at, in.size()}) == whole)) ++differing;
    single.push_back(at);
  }
  single.push_back(in.size());
  if (!(decode(in, single) == whole)) ++differing;
  CHECK(differing == 0);
  return whole;
}

}  // namespace

TEST_CASE("good framings give the body and stop right behind it", "[chunked]") {
  struct Case {
    std::string in, body, trailers;
  };
  const std::vector<Case> cases = {
      {"0\r\n\r\n", "", ""},
      {"3\r\nabc\r\n0\r\n\r\n", "abc", ""},
      {"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde", ""},
      {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", ""},
      {"3\r\n\r\n0\r\n0\r\n\r\n", "\r\n0", ""},  // payload that looks like framing
      {"0000000000000003\r\nabc\r\n0000000000000000\r\n\r\n", "abc", ""},
      {"3;name=value\r\nabc\r\n0;last\r\n\r\n", "abc", ""},
      {"3;a=\"b;c\"\r\nabc\r\n0\r\n\r\n", "abc", ""},
      {"3 \t;x\r\nabc\r\n0\r\n\r\n", "abc", ""},
      {"3;x\ty\r\nabc\r\n0\r\n\r\n", "abc", ""},
      {"0\r\nA: b\r\n\r\n", "", "A: b\r\n"},
      {"1\r\nx\r\n0\r\nA: b\r\nC:\td\r\n\r\n", "x", "A: b\r\nC:\td\r\n"},
  };
  for (const Case& c : cases) {
    INFO(c.in);
    const std::string next = "GET / HTTP/1.1\r\n\r\n";
    const Outcome got = decode_every_way(c.in + next);
    CHECK(got.end == End::kDone);
    CHECK(got.body == c.body);
    CHECK(got.trailers == c.trailers);
    CHECK(got.used == c.in.size());
  }
}

TEST_CASE("bad framings are broken, with the bytes before them kept", "[chunked]") {
  struct Case {
    const char* what;
    std::string in, body;
  };
  const std::vector<Case> cases = {
      {"no digit", "\r\n", ""},
      {"a sign", "+3\r\nabc\r\n", ""},
      {"minus", "-3\r\nabc\r\n", ""},
      {"0x", "0x3\r\nabc\r\n", ""},
      {"underscore", "1_0\r\nabc", ""},
      {"leading space", " 3\r\nabc", ""},
      {"not hexadecimal", "g\r\n", ""},
      {"a decimal point", "3.0\r\nabc", ""},
      {"2^63", "8000000000000000\r\n", ""},
      {"2^64 - 1", "ffffffffffffffff\r\n", ""},
      {"2^64, which wraps to 0", "10000000000000000\r\n", ""},
      {"17 digits, though zeros", "00000000000000003\r\nabc", ""},
      {"bare LF after the size", "3\nabc\r\n", ""},
      {"bare CR after the size", "3\rabc\r\n", ""},
      {"space before CRLF", "3 \r\nabc\r\n", ""},
      {"space, then digits", "3 4\r\nabc\r\n", ""},
      {"extension without semicolon", "3 x\r\nabc", ""},
      {"bare LF in an extension", "3;x\nabc\r\n", ""},
      {"bare CR in an extension", "3;x\rabc", ""},
      {"NUL in an extension", std::string("3;x\0\r\nabc", 9), ""},
      {"DEL in an extension", "3;x\x7f\r\nabc", ""},
      {"no CRLF after the data", "3\r\nabcX", "abc"},
      {"data longer than said", "3\r\nabcd\r\n0\r\n\r\n", "abc"},
      {"bare LF after the data", "3\r\nabc\n0\r\n\r\n", "abc"},
      {"bare CR after the data", "3\r\nabc\r0\r\n\r\n", "abc"},
      {"an empty line between chunks", "3\r\nabc\r\n\r\n0\r\n\r\n", "abc"},
      {"bare LF at the end", "0\r\n\n", ""},
      {"bare CR at the end", "0\r\n\rX", ""},
      {"bare LF in a trailer", "0\r\nA: b\n\r\n", ""},
      {"bare CR in a trailer", "0\r\nA: b\rC: d\r\n\r\n", ""},
      {"NUL in a trailer", std::string("0\r\nA: \0\r\n\r\n", 11), ""},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    const Outcome got = decode_every_way(c.in);
    CHECK(got.end == End::kBroken);
    CHECK(got.body == c.body);
    // The byte that is wrong is not consumed: whoever stopped before it for a while meets it again.
    CHECK(got.used < c.in.size());
  }
}

TEST_CASE("nonsense stays nonsense, whatever follows", "[chunked]") {
  ChunkedDecoder decoder;
  (void)decoder.skip_framing("x");
  REQUIRE(decoder.broken());
  CHECK(decoder.skip_framing("0\r\n\r\n") == 0);
  CHECK(decoder.broken());
  CHECK_FALSE(decoder.done());
  CHECK(decoder.data_left() == 0);
}

TEST_CASE("an incomplete framing waits", "[chunked]") {
  const std::string whole = "3;x\r\nabc\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t n = 0; n < whole.size(); ++n) {
    INFO(n);
    CHECK(decode(whole.substr(0, n), {n}).end == End::kOpen);
  }
}

TEST_CASE("the largest chunk is 2^63 - 1 bytes", "[chunked]") {
  ChunkedDecoder decoder;
  CHECK(decoder.skip_framing("7fffffffffffffff\r\nabc") == 18);
  CHECK(decoder.data_left() == 0x7fffffffffffffffU);
  decoder.took_data(0x7ffffffffffffffeU);
  CHECK(decoder.data_left() == 1);
  decoder.took_data(1);
  CHECK(decoder.skip_framing("\r\n0\r\n\r\n") == 7);
  CHECK(decoder.done());
}

TEST_CASE("extensions are bounded over the whole body, trailers by their bytes", "[chunked]") {
  const auto size_line = [](std::size_t extension) { return "1;" + std::string(extension, 'x') + "\r\n"; };
  struct Case {
    const char* what;
    std::string in;
    End want;
  };
  std::string many;
  for (int i = 0; i < 100; ++i) many += size_line(1000) + "y\r\n";
  std::string trailers;
  while (trailers.size() + 100 <= ChunkedDecoder::kMostTrailers)
    trailers += "A: " + std::string(95, 'b') + "\r\n";
  const std::size_t room = ChunkedDecoder::kMostTrailers - trailers.size();
  const auto line = [](std::size_t size) { return "A: " + std::string(size - 5, 'b') + "\r\n"; };
  const std::vector<Case> cases = {
      {"a long extension", size_line(8000) + "y\r\n0\r\n\r\n", End::kDone},
      {"one too long", size_line(20000) + "y\r\n0\r\n\r\n", End::kBroken},
      {"many of them", many, End::kBroken},
      {"white space without end", "1" + std::string(20000, ' ') + ";x\r\n", End::kBroken},
      {"trailers below the limit", "0\r\n" + trailers + "\r\n", End::kDone},
      {"trailers that fill it", "0\r\n" + trailers + line(room) + "\r\n", End::kDone},
      {"one byte more", "0\r\n" + trailers + line(room + 1) + "\r\n", End::kBroken},
      {"trailers above it", "0\r\n" + trailers + trailers + "\r\n", End::kBroken},
      {"one trailer line above it", "0\r\nA: " + std::string(9000, 'b') + "\r\n\r\n", End::kBroken},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    const Outcome got = decode(c.in, {c.in.size()});
    CHECK(got.end == c.want);
    CHECK(got.trailers.size() <= ChunkedDecoder::kMostTrailers);
  }
}

TEST_CASE("chunk sizes are written in hexadecimal behind what is there", "[chunked]") {
  struct Case {
    std::uint64_t size;
    const char* want;
  };
  for (const Case& c : {Case{0, "0\r\n"}, Case{9, "9\r\n"}, Case{10, "a\r\n"}, Case{16, "10\r\n"},
                        Case{65536, "10000\r\n"}, Case{UINT64_MAX, "ffffffffffffffff\r\n"}}) {
    std::string out = "before";
    append_chunk_size(out, c.size);
    CHECK(out.substr(0, 6) == "before");
    CHECK(out.substr(6) == c.want);
  }
}
