// What logs, the listeners that serve them and the topic of the access log must keep to.
#include <algorithm>
#include <filesystem>

#include "base/topic_name.h"
#include "config/rules.h"
#include "config/server.h"

namespace sluice::config {
namespace {

void check_groups(const Config& config, std::size_t index, const std::string& place, Mistakes& mistakes) {
  const Kafka& kafka = *config.listeners[index].kafka;
  if (kafka.groups.empty()) return;
  check_file_to_write(place, kafka.groups, mistakes);
  if (!kafka.log.empty() && stands_in(kafka.groups, kafka.log)) {
    mistakes.add(place, in_quotes(kafka.groups) + " stands in the log's directory " + in_quotes(kafka.log) +
                            ", which is only read: write a place outside of it");
  }
  for (std::size_t before = 0; before < index; ++before) {
    const auto& other = config.listeners[before].kafka;
    if (!other || other->groups != kafka.groups || other->log == kafka.log) continue;
    mistakes.add(place, "holds the groups of " + place_at("listeners", before) +
                            ", which serves another log: write another file");
    return;
  }
}

}  // namespace

bool stands_in(const std::string& file, const std::string& directory) {
  std::error_code error;
  const std::filesystem::path inner = std::filesystem::weakly_canonical(file, error);
  if (error) return false;
  const std::filesystem::path outer = std::filesystem::canonical(directory, error);
  if (error) return false;
  const auto [left, right] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return left == outer.end();
}

void check_log_directory(const std::string& place, const std::string& directory, Mistakes& mistakes) {
  if (directory.empty()) {
    mistakes.add(place, "missing: write the name of the directory that holds <topic>-<partition>/");
  } else {
    check_directory(place, directory, mistakes);
  }
}

void check_kafka_listener(const Config& config, std::size_t index, Mistakes& mistakes) {
  const Listener& listener = config.listeners[index];
  const std::string place = place_at("listeners", index);
  if (!listener.upstream.empty())
    mistakes.add(place + ".upstream", "is for tcp listeners: a kafka listener answers itself, leave it out");
  if (listener.relay.path == Path::kSplice)
    mistakes.add(place + ".relay.path",
                 R"(records come from files, and "splice" is for sockets: write "sendfile" or "auto")");
  if (!listener.kafka) {
    mistakes.add(place + ".kafka",
                 R"(missing: write "kafka": "DIR", the directory that holds <topic>-<partition>/)");
    return;
  }
  check_log_directory(place + ".kafka.log", listener.kafka->log, mistakes);
  const std::string& advertise = listener.kafka->advertise;
  if (std::string why; !advertise.empty() && !parse_server(advertise, why))
    mistakes.add(place + ".kafka.advertise",
                 in_quotes(advertise) + R"( is no "host:port": write such as "kafka.example:9092")");
  check_groups(config, index, place + ".kafka.groups", mistakes);
}

void check_access_topic(const AccessLog& log, Mistakes& mistakes) {
  if (log.topic.empty()) {
    if (!log.directory.empty())
      mistakes.add("access_log.directory", R"(is for a topic: add "topic": "access", or leave it out)");
    if (log.retain != 0)
      mistakes.add("access_log.retain", R"(is for a topic: add "topic": "access", or rotate the file)");
    return;
  }
  if (!log.file.empty()) {
    mistakes.add("access_log.topic", "the log goes to a file already: keep \"file\" or \"topic\"");
  } else if (!is_topic_name(log.topic)) {
    mistakes.add("access_log.topic", in_quotes(log.topic) +
                                         " is no name of a topic: write up to 249 letters, digits, \".\", "
                                         R"("_" and "-", such as "access")");
  }
  if (log.directory.empty()) {
    mistakes.add("access_log.directory",
                 "missing: write the topic's directory; only with a kafka listener it can be left out");
  } else {
    check_log_directory("access_log.directory", log.directory, mistakes);
  }
}

}  // namespace sluice::config
