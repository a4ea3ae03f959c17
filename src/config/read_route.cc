#include "config/read_route.h"

#include <nlohmann/json.hpp>

#include "config/keys.h"
#include "config/names.h"
#include "config/read_kafka.h"

namespace sluice::config {
namespace {

using nlohmann::json;

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

// "files": "www", or "files": {"root": "www", ...}
Files read_files(const json& value, const std::string& place, const ReadContext& context) {
  Files files;
  if (value.is_string()) {
    files.root = context.file_name(value.get<std::string>());
    return files;
  }
  ObjectReader reader(value, place, kFilesSection, context.mistakes);
  context.file(reader, "root", files.root);
  reader.text("index", files.index);
  reader.duration("revalidate", files.revalidate);
  reader.count("open_files", files.open_files);
  reader.flag("follow", files.follow);
  return files;
}

// "respond": 404, or "respond": {"status": 404, ...}
Fixed read_fixed(const json& value, const std::string& place, const ReadContext& context) {
  Fixed fixed;
  if (value.is_number()) {
    const bool whole = value.is_number_unsigned() && value.get<std::uint64_t>() <= 999;
    if (!whole) context.mistakes.add(place, value.dump() + " is no status: write 200 to 599");
    if (whole) fixed.status = value.get<int>();
    return fixed;
  }
  ObjectReader reader(value, place, kRespondSection, context.mistakes);
  reader.count("status", fixed.status);
  reader.text("body", fixed.body);
  reader.text("content_type", fixed.content_type);
  reader.text("location", fixed.location);
  return fixed;
}

// "compress": true, or "compress": {"codings": ["gzip"], ...}
Compress read_compress(const json& value, const std::string& place, const ReadContext& context) {
  Compress compress;
  if (value.is_boolean() && !value.get<bool>()) return compress;
  compress.codings = all_codings();
  if (value.is_boolean()) return compress;
  ObjectReader reader(value, place, kCompressSection, context.mistakes);
  reader.choices("codings", compress.codings, kCodingNames);
  if (const json* codings = reader.find("codings");
      codings != nullptr && codings->is_array() && codings->empty())
    reader.mistake("codings", R"(is empty: write "compress": false for no compression)");
  reader.size("min_length", compress.min_length);
  context.for_each(reader.find("types"), reader.place_of("types"),
                   [&](const json& type, const std::string& where) {
                     compress.types.push_back(lower_case(type.is_string() ? type.get<std::string>() : ""));
                     if (!type.is_string())
                       context.mistakes.add(where, R"(expected text such as "text/html")");
                   });
  reader.count("level", compress.level);
  return compress;
}

}  // namespace

Relay read_relay(const json* value, const std::string& place, const ReadContext& context) {
  Relay relay;
  if (value == nullptr) return relay;
  ObjectReader reader(*value, place, kRelaySection, context.mistakes);
  reader.choice("path", relay.path, kPathNames);
  reader.choice("thresholds", relay.thresholds, kThresholdsNames);
  reader.size("splice_min", relay.splice_min);
  reader.size("sendfile_min", relay.sendfile_min);
  return relay;
}

Route read_route(const json& value, const std::string& place, const ReadContext& context) {
  Route route;
  route.path = "/";
  ObjectReader reader(value, place, kRouteSection, context.mistakes);
  reader.text("host", route.host);
  route.host = lower_case(std::move(route.host));  // RFC 3986, 3.2.2
  reader.text("path", route.path);
  route.name = route.host + route.path;
  reader.text("name", route.name);

  reader.text("proxy", route.handler.proxy);
  if (const json* proxy = reader.find("proxy");
      proxy != nullptr && proxy->is_string() && route.handler.proxy.empty()) {
    reader.mistake("proxy", "is empty: write the name of an upstream");
  }
  if (const json* files = reader.find("files"))
    route.handler.files = read_files(*files, reader.place_of("files"), context);
  if (const json* fixed = reader.find("respond")) {
    route.handler.fixed = read_fixed(*fixed, reader.place_of("respond"), context);
  }
  if (const json* log = reader.find("log"))
    route.handler.log = read_log_files(*log, reader.place_of("log"), context);
  reader.flag("status", route.handler.status);

  route.relay = read_relay(reader.find("relay"), reader.place_of("relay"), context);
  reader.flag("strip_prefix", route.strip_prefix);
  reader.flag("server_timing", route.server_timing);
  reader.choice("forwarded", route.forwarded, kForwardedNames);
  reader.choice("host_header", route.host_header, kHostHeaderNames);
  reader.size("body_limit", route.body_limit);
  if (const json* compress = reader.find("compress")) {
    route.compress = read_compress(*compress, reader.place_of("compress"), context);
  }
  return route;
}

}  // namespace sluice::config
