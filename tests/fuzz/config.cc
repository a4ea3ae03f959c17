// Configurations: a mistake is always told with its place, and what is accepted is valid and means one thing.
#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "config/cidr.h"
#include "config/duration.h"
#include "config/parse.h"
#include "config/server.h"
#include "config/size.h"
#include "fuzz/naive.h"
#include "fuzz/require.h"
#include "os/address.h"

namespace sluice::fuzz {
namespace {

using config::Config;

// Each line of a refusal begins with the key or the position of its mistake. Only what is wrong with the document
// as a whole has none.
void check_refusal(std::string_view message) {
  require(!message.empty(), "a refusal has a message");
  for (const std::string_view line : split(message, "\n")) {
    const std::size_t colon = line.find(": ", 1);  // a key may begin with one
    const bool whole = line.starts_with("expected an object {...}") || line.starts_with("the number is");
    require(whole || (colon != std::string_view::npos && colon + 2 < line.size()),
            "a mistake has a place and a remedy");
    require(naive_value(line), "a message drives no terminal");
  }
}

// Units and addresses are shown to people as text: what is shown can be written.
void check_texts(const Config& c) {
  std::string remedy;
  for (const auto time : {c.timeouts.head, c.timeouts.keep_alive, c.timeouts.drain, c.timeouts.linger})
    require(config::parse_duration(config::duration_text(time), remedy) == time, "a duration is read back");
  for (const std::uint64_t bytes :
       {std::uint64_t{c.limits.head}, c.limits.body, std::uint64_t{c.limits.pipe}})
    require(config::parse_size(config::size_text(bytes), remedy) == bytes, "a size is read back");
  for (const auto& [name, upstream] : c.upstreams)
    for (const config::Server& server : upstream.servers)
      require(config::parse_server(config::server_text(server), remedy) == server, "a server is read back");
  for (const std::string& block : c.trusted) {
    const auto parsed = config::Cidr::parse(block, remedy);
    require(parsed.has_value(), "a trusted block is one");
    const auto again = config::Cidr::parse(parsed->text(), remedy);
    require(again && again->text() == parsed->text(), "a block is read back");
  }
}

// The same for words by themselves, which a whole document seldom gets right.
void check_words(const std::string& word) {
  std::string remedy;
  if (const auto time = config::parse_duration(word, remedy))
    require(config::parse_duration(config::duration_text(*time), remedy) == time, "a duration is read back");
  else
    require(!remedy.empty(), "no duration: what to write instead");
  remedy.clear();
  if (const auto bytes = config::parse_size(word, remedy))
    require(config::parse_size(config::size_text(*bytes), remedy) == bytes, "a size is read back");
  else
    require(!remedy.empty(), "no size: what to write instead");
  remedy.clear();
  if (const auto server = config::parse_server(word, remedy))
    require(config::parse_server(config::server_text(*server), remedy) == server, "a server is read back");
  else
    require(!remedy.empty(), "no server: what to write instead");
  remedy.clear();
  if (const auto block = config::Cidr::parse(word, remedy))
    require(config::Cidr::parse(block->text(), remedy)->text() == block->text(), "a block is read back");
  else
    require(!remedy.empty(), "no block: what to write instead");
  if (const auto address = os::Address::parse(word))
    require(os::Address::parse(address->text()) == address, "an address is read back");
}

void check_document(std::string_view text) {
  Config parsed;
  try {
    parsed = config::parse(text, "");
  } catch (const config::ConfigError& error) {
    return check_refusal(error.what());
  }  // any other exception ends the program
  config::validate(parsed);
  check_texts(parsed);
  // Comments, white space and the order of keys mean nothing.
  const auto tree = nlohmann::json::parse(text.begin(), text.end(), nullptr, true, /*ignore_comments=*/true);
  require(config::parse(tree.dump(1), "") == parsed, "written plainly, it means the same");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  sluice::fuzz::check_document(text);
  if (size <= 256) sluice::fuzz::check_words(text);
  return 0;
}
