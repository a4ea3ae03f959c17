// What each route must keep to: it can match, it has one handler, and that handler can answer.
#include <algorithm>
#include <cctype>
#include <map>
#include <utility>
#include <vector>

#include "config/rules.h"
#include "config/server.h"
#include "os/address.h"

namespace sluice::config {
namespace {

bool has_control_char(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void check_path(const std::string& place, const std::string& path, Mistakes& mistakes) {
  if (!path.starts_with('/')) {
    mistakes.add(place, in_quotes(path) + R"( does not begin with "/": write ")" + "/" + path + '"');
    return;
  }
  if (has_control_char(path) || path.find_first_of("?#*") != std::string::npos) {
    mistakes.add(place, in_quotes(path) +
                            R"( is not a plain path: leave out "?", "#" and "*"; it is a prefix anyway)");
  }
  // Requests are decoded and normalised before they are matched, so such a route would never be taken.
  const bool dots =
      (path + "/").find("/./") != std::string::npos || (path + "/").find("/../") != std::string::npos;
  if (dots || path.find("//") != std::string::npos) {
    mistakes.add(place, in_quotes(path) + R"( can't match: write it without "//", "." and ".." segments)");
  }
  for (std::size_t at = path.find('%'); at != std::string::npos; at = path.find('%', at + 1)) {
    const std::string digits = path.substr(at + 1, 2);
    const bool escape = digits.size() == 2 && std::all_of(digits.begin(), digits.end(), [](unsigned char c) {
                          return std::isxdigit(c) != 0;
                        });
    if (!escape || digits == "2F") continue;  // an escaped slash stays escaped: http/target.h
    const std::string instead = digits == "2f" ? "\"%2F\"" : "the character itself for \"%" + digits + '"';
    mistakes.add(place, in_quotes(path) + " can't match: write " + instead);
    break;
  }
}

void check_host(const std::string& place, const std::string& host, Mistakes& mistakes) {
  if (host.empty()) return;
  if (host == "*") {
    mistakes.add(place, R"(leave "host" out to match any host)");
    return;
  }
  const std::string_view name =
      host.starts_with("*.") ? std::string_view(host).substr(2) : std::string_view(host);
  const bool v6 = host.starts_with('[') && os::Address::parse(host + ":0").has_value();
  if (!v6 && !is_host_name(name)) {
    mistakes.add(
        place, in_quotes(host) + R"( is no host: write "a.example" or "*.example", without scheme and port)");
  } else if (std::any_of(host.begin(), host.end(), [](unsigned char c) { return std::isupper(c) != 0; })) {
    mistakes.add(place, in_quotes(host) + " must be in lower case");
  }
}

void check_files(const std::string& place, const Route& route, Mistakes& mistakes) {
  const Files& files = *route.handler.files;
  if (files.root.empty()) {
    mistakes.add(place + ".files.root", "missing: write the name of a directory");
  } else {
    check_directory(place + ".files.root", files.root, mistakes);
  }
  if (files.index.empty() || files.index.find('/') != std::string::npos || has_control_char(files.index)) {
    mistakes.add(place + ".files.index", R"(write a file name without "/", such as "index.html")");
  }
}

void check_fixed(const std::string& place, const Fixed& fixed, Mistakes& mistakes) {
  const int status = fixed.status;
  const bool redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  if (redirect && fixed.location.empty()) {
    mistakes.add(place + ".location",
                 "missing: status " + std::to_string(status) + " needs a place to go to");
  }
  if (!fixed.location.empty() && (status < 300 || status > 399) && status != 201) {
    mistakes.add(place + ".location", "is for redirects: write a status such as 302, or leave it out");
  }
  // They would end the field line and begin another. RFC 9110 section 5.5.
  if (has_control_char(fixed.location))
    mistakes.add(place + ".location", "control characters can't be sent: remove them");
  if (has_control_char(fixed.content_type)) {
    mistakes.add(place + ".content_type", "control characters can't be sent: remove them");
  }
  if ((status == 204 || status == 304) && !fixed.body.empty()) {
    mistakes.add(place + ".body", "status " + std::to_string(status) + " has no body: leave it out");
  }
  if (fixed.body.size() > 64_KiB) {  // each worker keeps a copy in user memory
    mistakes.add(place + ".body", R"(longer than 64KiB: put it into a file and write "files" instead)");
  }
}

void check_handler(const Config& config, const std::string& place, const Route& route, Mistakes& mistakes) {
  const Handler& handler = route.handler;
  std::vector<std::string_view> set;
  if (!handler.proxy.empty()) set.emplace_back("proxy");
  if (handler.files) set.emplace_back("files");
  if (handler.fixed) set.emplace_back("respond");
  if (handler.log) set.emplace_back("log");
  if (handler.status) set.emplace_back("status");
  if (set.empty()) {
    mistakes.add(place,
                 R"(nothing answers here: add one of "proxy", "files", "respond", "log" or "status": true)");
  }
  for (std::size_t i = 1; i < set.size(); ++i) {
    mistakes.add(place + "." + std::string(set[i]), "a route has one handler, and this one has " +
                                                        in_quotes(set[0]) +
                                                        " already: keep one, or make two routes");
  }
  if (!handler.proxy.empty()) {
    check_upstream_name(config, place + ".proxy", handler.proxy, mistakes);
  }
  if (handler.files) check_files(place, route, mistakes);
  if (handler.fixed) check_fixed(place + ".respond", *handler.fixed, mistakes);
  if (handler.log) check_log_directory(place + ".log.directory", handler.log->directory, mistakes);
}

bool is_token_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
}

// "text/html", or all of a kind: "text/*". RFC 6838 section 4.2.
bool is_media_type(std::string_view type) {
  const std::size_t slash = type.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == type.size()) return false;
  const std::string_view kind = type.substr(0, slash);
  const std::string_view subtype = type.substr(slash + 1);
  return std::all_of(kind.begin(), kind.end(), is_token_char) &&
         (subtype == "*" || std::all_of(subtype.begin(), subtype.end(), is_token_char));
}

void check_compress(const std::string& place, const Compress& compress, Mistakes& mistakes) {
  for (std::size_t i = 0; i < compress.codings.size(); ++i) {
    const auto here = compress.codings.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(compress.codings.begin(), here, *here) != here) {
      mistakes.add(place_at(place + ".codings", i), "stands twice: keep one of them");
    }
  }
  for (std::size_t i = 0; i < compress.types.size(); ++i) {
    if (is_media_type(compress.types[i])) continue;
    mistakes.add(place_at(place + ".types", i),
                 in_quotes(compress.types[i]) + R"( is no media type: write "text/html", or "text/*")");
  }
}

}  // namespace

void check_routes(const Config& config, Mistakes& mistakes) {
  std::map<std::pair<std::string, std::string>, std::size_t> matches;
  std::map<std::string, std::size_t> names;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const Route& route = config.routes[i];
    const std::string place = place_at("routes", i);
    check_path(place + ".path", route.path, mistakes);
    check_host(place + ".host", route.host, mistakes);
    check_handler(config, place, route, mistakes);
    check_compress(place + ".compress", route.compress, mistakes);
    if (has_control_char(route.name) || route.name.size() > 128) {
      mistakes.add(place + ".name", "a name has at most 128 characters, none of them a control character");
    }
    if (const auto [first, added] = matches.try_emplace({route.host, route.path}, i); !added) {
      mistakes.add(place + ".path", place_at("routes", first->second) + " has the same host and path " +
                                        in_quotes(route.path) + ": this one would never be taken");
    } else if (const auto [same, fresh] = names.try_emplace(route.name, i); !fresh && !route.name.empty()) {
      mistakes.add(place + ".name", in_quotes(route.name) + " is the name of " +
                                        place_at("routes", same->second) +
                                        " already: the log could not tell them apart");
    }
  }
}

}  // namespace sluice::config
