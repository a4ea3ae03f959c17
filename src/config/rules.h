// The rules that hold however a Config was made, in two halves. validate() runs both and throws.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "config/mistakes.h"
#include "config/parse.h"

namespace sluice::config {

// Each number within its range, and the few that depend on each other.
void check_ranges(const Config& config, Mistakes& mistakes);

// Names, addresses, files and handlers: what must exist, fit together, or stand only once.
void check_references(const Config& config, Mistakes& mistakes);

// All of these, and `more` unless it is empty, but for what only follows from mistakes that are known already.
void add_consequences(const Config& config, const MoreRules& more, Mistakes& mistakes);

// Their parts, which stand in files of their own.
void check_routes(const Config& config, Mistakes& mistakes);
void check_listener_tls(const std::string& place, const Listener& listener, Mistakes& mistakes);
void check_upstream_tls(const std::string& place, const UpstreamTls& tls, Mistakes& mistakes);
void check_kafka_listener(const Config& config, std::size_t index, Mistakes& mistakes);
void check_access_topic(const AccessLog& log, Mistakes& mistakes);
void check_upstream_name(const Config& config, const std::string& place, const std::string& name,
                         Mistakes& mistakes);

// What is named must be there: a directory, one of partitions (which may not be ""), that of a file to be written.
void check_directory(const std::string& place, const std::string& directory, Mistakes& mistakes);
void check_log_directory(const std::string& place, const std::string& directory, Mistakes& mistakes);
void check_file_to_write(const std::string& place, const std::string& file, Mistakes& mistakes);

// Whether `file`, which need not exist, stands in `directory` or below, links followed.
bool stands_in(const std::string& file, const std::string& directory);

// "routes[2]" and the like: the place of an element.
std::string place_at(std::string_view list, std::size_t index);

}  // namespace sluice::config
