// The files in conf/ and the parser say the same.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "catch.h"
#include "config/json_text.h"
#include "config/keys.h"
#include "config/parse.h"
#include "config/thresholds.h"
#include "scratch_directory.h"

namespace sluice::config {
namespace {

using nlohmann::json;

std::filesystem::path conf(const std::string& name) {
  return std::filesystem::path(SLUICE_SOURCES) / "conf" / name;
}

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

// "| `key` | type | `default` | ..." under "## section": section -> key -> default.
std::map<std::string, std::map<std::string, std::string>> reference_tables() {
  std::map<std::string, std::map<std::string, std::string>> tables;
  std::istringstream lines(contents(conf("README.md")));
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) section = line.substr(3);
    if (section.empty() || !line.starts_with("| `")) continue;
    std::istringstream cells(line);
    std::string nothing, key, type, preset;
    std::getline(std::getline(std::getline(std::getline(cells, nothing, '|'), key, '|'), type, '|'), preset,
                 '|');
    tables[section][key.substr(2, key.size() - 4)] = preset;
  }
  return tables;
}

// All objects of a file that belong to one section of keys.h.
using Objects = std::map<std::string_view, std::vector<json>>;
Objects objects_of(const json& top) {
  Objects all;
  all[kTopSection].push_back(top);
  for (const json& listener : top["listeners"]) all[kListenerSection].push_back(listener);
  for (const json& upstream : top["upstreams"]) all[kUpstreamSection].push_back(upstream);
  for (const json& route : top["routes"]) all[kRouteSection].push_back(route);
  const auto add_nested = [&](std::string_view outer, std::string_view inner) {
    for (const json& object : all[outer]) {
      if (object.is_object() && object.contains(std::string(inner)))
        all[inner].push_back(object[std::string(inner)]);
    }
  };
  for (const auto section : {kFilesSection, kRespondSection, kLogSection, kRelaySection, kCompressSection})
    add_nested(kRouteSection, section);
  add_nested(kListenerSection, kRelaySection);
  for (const auto section : {kTimeoutsSection, kLimitsSection, kHttp2Section, kAccessLogSection})
    add_nested(kTopSection, section);
  for (const json& listener : top["listeners"]) {
    if (listener.contains("kafka")) all[kKafkaSection].push_back(listener["kafka"]);
    if (!listener.contains("tls")) continue;
    all[kListenerTlsSection].push_back(listener["tls"]);
    for (const json& certificate : listener["tls"].value("certificates", json::array()))
      all[kCertificateSection].push_back(certificate);
  }
  for (const json& upstream : top["upstreams"]) {
    if (upstream.is_object() && upstream.contains("tls")) all[kUpstreamTlsSection].push_back(upstream["tls"]);
  }
  return all;
}

TEST_CASE("the reference lists the parser's keys, and no others", "[config]") {
  const auto tables = reference_tables();
  CHECK(tables.size() == sections().size());
  for (const Section& section : sections()) {
    CAPTURE(section.name);
    REQUIRE(tables.contains(std::string(section.name)));
    std::set<std::string> documented;
    for (const auto& [key, preset] : tables.at(std::string(section.name))) documented.insert(key);
    CHECK(documented == std::set<std::string>(section.keys.begin(), section.keys.end()));
  }
}

TEST_CASE("full.json shows every key, with the default that the reference names", "[config]") {
  Mistakes mistakes;
  Objects shown = objects_of(read_json(contents(conf("full.json")), mistakes));
  // full.json names no certificates, so that it is valid anywhere.
  const Objects tls = objects_of(read_json(contents(conf("tls.json")), mistakes));
  shown[kCertificateSection] = tls.at(kCertificateSection);
  for (const json& object : tls.at(kListenerTlsSection)) shown[kListenerTlsSection].push_back(object);
  const auto tables = reference_tables();
  REQUIRE(mistakes.empty());
  for (const Section& section : sections()) {
    for (const std::string_view view : section.keys) {
      const std::string key(view);
      CAPTURE(section.name, key);
      std::vector<std::string> values;
      for (const json& object : shown.at(section.name)) {
        if (object.is_object() && object.contains(key)) values.push_back(object[key].dump());
      }
      CHECK_FALSE(values.empty());
      // " `"10s"` ": a default that is a value; others are words such as "required".
      const std::string& preset = tables.at(std::string(section.name)).at(key);
      if (!preset.starts_with(" `")) continue;
      CHECK(std::count(values.begin(), values.end(), preset.substr(2, preset.size() - 4)) > 0);
    }
  }
}

TEST_CASE("full.json says the defaults of the structs", "[config]") {
  const Config c = load(conf("full.json").string());
  const Config defaults;
  CHECK(c.workers == defaults.workers);
  CHECK(c.trusted == defaults.trusted);
  CHECK(c.timeouts == Timeouts{});
  CHECK(c.limits == Limits{});
  CHECK(c.http2 == Http2{});
  CHECK(c.user == defaults.user);
  CHECK(c.certificate_check == defaults.certificate_check);
  CHECK(c.access_log == defaults.access_log);
  CHECK(c.log_level == defaults.log_level);
  REQUIRE(c.listeners.size() == 4);
  CHECK(c.listeners[0].protocol == Listener{}.protocol);
  CHECK(c.listeners[0].redirect_https == Listener{}.redirect_https);
  CHECK(c.listeners[1].tls == ListenerTls{.self_signed = true});
  CHECK(c.listeners[2].relay == Relay{});
  CHECK(c.listeners[3].kafka == Kafka{.log = c.listeners[3].kafka->log});
  Upstream origin{};
  origin.name = "origin";
  origin.servers = c.upstreams.at("origin").servers;
  CHECK(c.upstreams.at("origin") == origin);
  CHECK(c.upstreams.at("secure").tls == UpstreamTls{});
  REQUIRE(c.routes.size() == 5);
  CHECK(c.thresholds == defaults.thresholds);
  CHECK(c.thresholds_file == defaults.thresholds_file);
  CHECK(c.routes[0].relay ==
        Relay{.thresholds = Thresholds::kBuiltIn, .splice_min = 8_KiB, .sendfile_min = 8_KiB});
  for (const Route& route : c.routes) {
    CHECK(splice_least(route.relay, c).size == splice_least({}, defaults).size);
    CHECK(sendfile_least(route.relay, c).size == sendfile_least({}, defaults).size);
    CHECK(route.relay.path == Relay{}.path);
    CHECK(route.host.empty());
    CHECK(route.forwarded == Route{}.forwarded);
    CHECK(route.host_header == Route{}.host_header);
    CHECK(route.server_timing == Route{}.server_timing);
    CHECK(route.body_limit == Route{}.body_limit);
    CHECK(route.compress.min_length == Compress{}.min_length);
    CHECK(route.compress.types == Compress{}.types);
    CHECK(route.compress.level == Compress{}.level);
  }
  REQUIRE(c.routes[1].handler.files);
  Files files{};
  files.root = c.routes[1].handler.files->root;
  CHECK(*c.routes[1].handler.files == files);
  CHECK(c.routes[2].handler.fixed == Fixed{});
  CHECK(c.routes[3].handler.log == LogFiles{.directory = c.routes[3].handler.log->directory});
}

// A key that the parser lists but never reads would be accepted and do nothing.
TEST_CASE("every listed key is read: a value of the wrong kind is a mistake there", "[config]") {
  const std::map<std::string_view, std::string> around = {
      {kTopSection, "{%}"},
      {kListenerSection, R"({"listeners": [{%}]})"},
      {kListenerTlsSection, R"({"listeners": [{"tls": {%}}]})"},
      {kCertificateSection, R"({"listeners": [{"tls": {"certificates": [{%}]}}]})"},
      {kKafkaSection, R"({"listeners": [{"kafka": {%}}]})"},
      {kUpstreamSection, R"({"upstreams": {"a": {%}}})"},
      {kUpstreamTlsSection, R"({"upstreams": {"a": {"tls": {%}}}})"},
      {kRouteSection, R"({"routes": [{%}]})"},
      {kFilesSection, R"({"routes": [{"files": {%}}]})"},
      {kRespondSection, R"({"routes": [{"respond": {%}}]})"},
      {kLogSection, R"({"routes": [{"log": {%}}]})"},
      {kRelaySection, R"({"routes": [{"relay": {%}}]})"},
      {kCompressSection, R"({"routes": [{"compress": {%}}]})"},
      {kTimeoutsSection, R"({"timeouts": {%}})"},
      {kLimitsSection, R"({"limits": {%}})"},
      {kHttp2Section, R"({"http2": {%}})"},
      {kAccessLogSection, R"({"access_log": {%}})"},
  };
  const std::map<std::string_view, std::string> places = {
      {kTopSection, ""},
      {kListenerSection, "listeners[0]."},
      {kListenerTlsSection, "listeners[0].tls."},
      {kCertificateSection, "listeners[0].tls.certificates[0]."},
      {kKafkaSection, "listeners[0].kafka."},
      {kUpstreamSection, "upstreams.a."},
      {kUpstreamTlsSection, "upstreams.a.tls."},
      {kRouteSection, "routes[0]."},
      {kFilesSection, "routes[0].files."},
      {kRespondSection, "routes[0].respond."},
      {kLogSection, "routes[0].log."},
      {kRelaySection, "routes[0].relay."},
      {kCompressSection, "routes[0].compress."},
      {kTimeoutsSection, "timeouts."},
      {kLimitsSection, "limits."},
      {kHttp2Section, "http2."},
      {kAccessLogSection, "access_log."},
  };
  for (const Section& section : sections()) {
    for (const std::string_view key : section.keys) {
      std::string text = around.at(section.name);
      text.replace(text.find('%'), 1, '"' + std::string(key) + "\": [[]]");
      std::string told;
      try {
        (void)parse(text, "");
      } catch (const ConfigError& error) {
        told = error.what();
      }
      CAPTURE(text, told);
      const std::string place = places.at(section.name) + std::string(key);
      CHECK((told.starts_with(place + ": expected") || told.starts_with(place + "[0]: expected")));
    }
  }
}

TEST_CASE("the other examples are valid once their directories exist", "[config]") {
  const testing::ScratchDirectory base;
  base.make_directory("conf");
  for (const char* directory : {"build/quickstart/www", "build/quickstart/topics"})
    base.make_directory(directory);
  base.make_directory("build/topics");
  for (const std::string name : {"quickstart.json", "tcp.json", "tls.json", "kafka.json"}) {
    CAPTURE(name);
    CHECK_NOTHROW(parse(contents(conf(name)), base / "conf"));
  }
}

}  // namespace
}  // namespace sluice::config
