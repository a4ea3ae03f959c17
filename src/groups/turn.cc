#include "groups/turn.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace sluice::groups {

void Turn::save(GroupRecord record) {
  (void)store_.put(record);  // a failure shows at the commit
  std::string id = record.group_id;
  records_.insert_or_assign(std::move(id), std::move(record));
  loop_.defer(*this);
}

void Turn::drop(const std::string& group_id) {
  (void)store_.remove(group_id);
  records_.insert_or_assign(group_id, std::nullopt);
  loop_.defer(*this);
}

void Turn::then(std::function<void(bool)> done) {
  done_.push_back(std::move(done));
  loop_.defer(*this);
}

void Turn::flush() {
  const bool writes = store_.writes();
  const bool written = store_.commit();
  for (auto& [id, record] : std::exchange(records_, {})) {
    if (written) {
      unsaved_.erase(id);
    } else {
      unsaved_.insert_or_assign(id, std::move(record));
    }
  }
  if (!written) {
    failed();
  } else if (writes && std::exchange(failing_, false)) {
    spdlog::info("the groups file is written again");
  }
  if (!unsaved_.empty()) retry_soon();
  for (auto& done : std::exchange(done_, {})) done(written);
}

void Turn::flush_all() {
  for (const auto& [id, record] : unsaved_) {
    if (!records_.emplace(id, record).second) continue;  // a newer one is on its way
    (void)(record.has_value() ? store_.put(*record) : store_.remove(id));
  }
  flush();
}

void Turn::retry_soon() {
  if (!armed()) loop_.deadlines().set(*this, loop_.now() + std::chrono::seconds(1));
}

void Turn::failed() {
  failing_ = true;
  if (const auto held = throttle_.pass(loop_.now()))
    spdlog::error("the groups file fails: {}; commits are refused ({} times more since it was said last)",
                  store_.error(), *held);
}

}  // namespace sluice::groups
