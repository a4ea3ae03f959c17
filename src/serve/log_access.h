// One log directory as a worker sees it: its partitions, kept up to date, and the way into their segments.
//
// Thread   the worker's. It ends before the loop does.
#pragma once

#include <memory>

#include "log/directory.h"
#include "log/reader.h"

namespace sluice::serve {

class LogAccess {
 public:
  LogAccess(loop::EventLoop& loop, loop::Offload& offload, std::shared_ptr<log::Directory> directory,
            std::size_t open_segments)
      : directory_(std::move(directory)),
        subscription_(directory_->subscribe(loop)),
        reader_(loop, offload, open_segments),
        capacity_(open_segments) {}

  [[nodiscard]] const log::Directory& directory() const noexcept { return *directory_; }
  [[nodiscard]] log::Catalog& catalog() noexcept { return subscription_->catalog(); }
  [[nodiscard]] log::Reader& reader() noexcept { return reader_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  const std::shared_ptr<log::Directory> directory_;
  const std::unique_ptr<log::Directory::Subscription> subscription_;
  log::Reader reader_;
  const std::size_t capacity_;
};

}  // namespace sluice::serve
