#include "config/cidr.h"

#include <charconv>
#include <span>

#include "config/mistakes.h"

namespace sluice::config {
namespace {

constexpr std::string_view kForm = R"(write an address or a block such as "10.0.0.0/8" or "fd00::/8")";

// The address in network order, 4 or 16 bytes, inside `address`.
std::span<std::uint8_t> bytes_of(sockaddr* raw) noexcept {
  if (raw->sa_family == AF_INET) {
    return {reinterpret_cast<std::uint8_t*>(&reinterpret_cast<sockaddr_in*>(raw)->sin_addr), 4};
  }
  return {reinterpret_cast<std::uint8_t*>(&reinterpret_cast<sockaddr_in6*>(raw)->sin6_addr), 16};
}
std::span<const std::uint8_t> bytes_of(const os::Address& address) noexcept {
  return bytes_of(const_cast<sockaddr*>(address.raw()));  // only read through the returned span
}

// The bits of byte `index` that a prefix of `bits` covers.
std::uint8_t mask_of(std::size_t index, unsigned bits) noexcept {
  const std::size_t before = index * 8;
  if (bits >= before + 8) return 0xff;
  return bits <= before ? std::uint8_t{0} : static_cast<std::uint8_t>(0xff00U >> (bits - before));
}

os::Address without_host_bits(const os::Address& address, unsigned bits) noexcept {
  sockaddr_storage raw{};
  const std::span<const std::uint8_t> from = bytes_of(address);
  raw.ss_family = static_cast<sa_family_t>(address.family());
  const std::span<std::uint8_t> to = bytes_of(reinterpret_cast<sockaddr*>(&raw));
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = static_cast<std::uint8_t>(from[i] & mask_of(i, bits));
  return os::Address::from(reinterpret_cast<const sockaddr*>(&raw), sizeof raw);
}

}  // namespace

std::optional<Cidr> Cidr::parse(std::string_view text, std::string& remedy) {
  const std::string quoted = in_quotes(text);
  const auto refuse = [&](const std::string& why) {
    remedy = quoted + " " + why;
    return std::nullopt;
  };
  const std::size_t slash = text.find('/');
  const std::string ip(text.substr(0, slash));
  const bool v6 = ip.find(':') != std::string::npos;
  // os::Address reads an address with a port, and takes none and "*" as "all of them".
  if (ip.empty() || ip == "*") return refuse("is no address: " + std::string(kForm));
  const std::optional<os::Address> base = os::Address::parse(v6 ? "[" + ip + "]:0" : ip + ":0");
  if (!base) return refuse("is no address: " + std::string(kForm));

  const unsigned most = v6 ? 128 : 32;
  unsigned bits = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, bits);
    if (error != std::errc() || stop != end || bits > most) {
      return refuse("has no prefix length from 0 to " + std::to_string(most) + " after \"/\"");
    }
  }
  // Clients never arrive as ::ffff:a.b.c.d, so such a block would match nobody.
  const std::span<const std::uint8_t> bytes = bytes_of(*base);
  if (v6 && IN6_IS_ADDR_V4MAPPED(reinterpret_cast<const in6_addr*>(bytes.data()))) {
    return refuse("is an IPv4 address in IPv6 form: write it as IPv4");
  }
  const os::Address network = without_host_bits(*base, bits);
  if (!(network == *base)) {
    const Cidr meant(network, bits);
    return refuse("has bits set below its prefix: write \"" + meant.text() + "\" for the network, or \"" +
                  ip + "\" for the one address");
  }
  return Cidr(network, bits);
}

bool Cidr::contains(const os::Address& address) const noexcept {
  if (!address.valid() || address.family() != base_.family()) return false;
  const std::span<const std::uint8_t> mine = bytes_of(base_), theirs = bytes_of(address);
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (((mine[i] ^ theirs[i]) & mask_of(i, bits_)) != 0) return false;
  }
  return true;
}

std::string Cidr::text() const { return base_.ip() + "/" + std::to_string(bits_); }

}  // namespace sluice::config
