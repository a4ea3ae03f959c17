#include "app/services.h"

#include "app/groups_file.h"

namespace sluice::app {

namespace {

void open_log(const std::string& path, const log::DirectoryOptions& options, const serve::Services* previous,
              serve::Services& out) {
  if (out.logs.contains(path)) return;
  if (previous != nullptr && previous->logs.contains(path)) {
    out.logs.emplace(path, previous->logs.at(path));
  } else {
    out.logs.emplace(path, std::make_shared<log::Directory>(path, options));
  }
}

std::shared_ptr<groups::Coordinator> open_groups(const config::Kafka& kafka, const std::string& user,
                                                 const serve::Services* previous) {
  if (auto kept = previous == nullptr ? nullptr : previous->coordinator(kafka)) return kept;
  const std::string file = kafka.groups.empty() ? groups_file(kafka.log, user) : kafka.groups;
  return std::make_shared<groups::Coordinator>(file, groups::Limits{.members = kafka.members});
}

}  // namespace

std::shared_ptr<const serve::Services> open_services(const config::Config& config,
                                                     const serve::Services* previous) {
  auto services = std::make_shared<serve::Services>();
  for (const config::Listener& listener : config.listeners) {
    if (!listener.kafka) continue;
    const config::Kafka& kafka = *listener.kafka;
    open_log(kafka.log, {.look_every = kafka.look_every}, previous, *services);
    if (services->coordinator(kafka) == nullptr)
      services->groups.emplace(std::pair(kafka.log, kafka.groups), open_groups(kafka, config.user, previous));
  }
  for (const config::Route& route : config.routes)
    if (route.handler.log) open_log(route.handler.log->directory, {}, previous, *services);
  return services;
}

}  // namespace sluice::app
