#include "config/read_kafka.h"

#include <nlohmann/json.hpp>

#include "config/keys.h"

namespace sluice::config {

using nlohmann::json;

Kafka read_kafka(const json& value, const std::string& place, const ReadContext& context) {
  Kafka kafka;
  if (value.is_string()) {
    kafka.log = context.file_name(value.get<std::string>());
    return kafka;
  }
  ObjectReader reader(value, place, kKafkaSection, context.mistakes);
  context.file(reader, "log", kafka.log);
  reader.text("advertise", kafka.advertise);
  context.file(reader, "groups", kafka.groups);
  reader.size("frame", kafka.frame);
  reader.size("fetch", kafka.fetch);
  reader.count("partitions", kafka.partitions);
  reader.count("members", kafka.members);
  reader.count("open_segments", kafka.open_segments);
  reader.duration("longest_wait", kafka.longest_wait);
  reader.duration("look_every", kafka.look_every);
  return kafka;
}

LogFiles read_log_files(const json& value, const std::string& place, const ReadContext& context) {
  LogFiles log;
  if (value.is_string()) {
    log.directory = context.file_name(value.get<std::string>());
    return log;
  }
  ObjectReader reader(value, place, kLogSection, context.mistakes);
  context.file(reader, "directory", log.directory);
  reader.count("open_segments", log.open_segments);
  return log;
}

}  // namespace sluice::config
