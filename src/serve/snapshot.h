// All that a worker works by, and that a reload replaces at once: values that never change, and what all workers share.
//
// Thread   immutable: any. What it points to says its own.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "config/config.h"
#include "groups/coordinator.h"
#include "log/directory.h"
#include "observe/access_log.h"
#include "tls/store.h"

namespace sluice::serve {

// Log directories and group coordinators. Those that a new configuration still names go on as they are.
struct Services {
  std::map<std::string, std::shared_ptr<log::Directory>> logs;  // by path, as configured
  std::map<std::pair<std::string, std::string>, std::shared_ptr<groups::Coordinator>>
      groups;  // by log and file

  [[nodiscard]] std::shared_ptr<groups::Coordinator> coordinator(const config::Kafka& kafka) const {
    const auto found = groups.find({kafka.log, kafka.groups});
    return found == groups.end() ? nullptr : found->second;
  }
};

struct Snapshot {
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const tls::Contexts> tls;
  std::shared_ptr<const Services> services;
  std::shared_ptr<observe::AccessLog> log;  // null: none
};

}  // namespace sluice::serve
