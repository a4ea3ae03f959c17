#include "relay/buffer.h"

#include <cstdlib>

namespace sluice::relay {

BufferPool::~BufferPool() {
  for (char* block : free_) std::free(block);
}

char* BufferPool::take() noexcept {
  char* block = nullptr;
  if (!free_.empty()) {
    block = free_.back();
    free_.pop_back();
  } else {
    block = static_cast<char*>(std::malloc(block_));  // not new: it must not throw, nor clear the memory
    if (block == nullptr) return nullptr;
  }
  ++in_use_;
  return block;
}

void BufferPool::give(char* block) noexcept {
  --in_use_;
  if (free_.size() >= spare_) {
    std::free(block);
    return;
  }
  if (free_.capacity() == 0) free_.reserve(spare_);
  free_.push_back(block);
}

}  // namespace sluice::relay
