// Blocks of user memory for bytes on their way, pooled per worker; and the window of bytes in one block.
//
// A connection holds a block only while bytes wait in it: an idle one holds none.
// Thread    the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::relay {

class BufferPool {
 public:
  // `block` bytes each; at most `spare` unused blocks are kept.
  BufferPool(std::size_t block, std::size_t spare) noexcept : block_(block), spare_(spare) {}
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  [[nodiscard]] char* take() noexcept;  // nullptr: out of memory
  void give(char* block) noexcept;
  [[nodiscard]] std::size_t block() const noexcept { return block_; }
  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }

 private:
  const std::size_t block_, spare_;
  std::size_t in_use_ = 0;
  std::vector<char*> free_;  // last in, first out: the block given back last is still in the cache
};

//   data_           begin_              end_             pool block size
//     | used already | bytes that wait   | room           |
class Buffer {
 public:
  Buffer() noexcept = default;
  Buffer(Buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    release();
    pool_ = std::exchange(other.pool_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    begin_ = std::exchange(other.begin_, 0);
    end_ = std::exchange(other.end_, 0);
    return *this;
  }
  ~Buffer() { release(); }

  // Takes a block if it holds none; false: out of memory.
  [[nodiscard]] bool acquire(BufferPool& pool) noexcept {
    if (data_ != nullptr) return true;
    data_ = pool.take();
    pool_ = data_ == nullptr ? nullptr : &pool;
    begin_ = end_ = 0;
    return data_ != nullptr;
  }
  void release() noexcept {
    if (data_ != nullptr) pool_->give(data_);
    data_ = nullptr;
    pool_ = nullptr;
    begin_ = end_ = 0;
  }
  void release_if_empty() noexcept {
    if (empty()) release();
  }

  [[nodiscard]] bool holds_block() const noexcept { return data_ != nullptr; }
  [[nodiscard]] std::size_t capacity() const noexcept { return data_ == nullptr ? 0 : pool_->block(); }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] char* data() noexcept { return data_ + begin_; }
  [[nodiscard]] std::string_view view() const noexcept { return {data_ + begin_, size()}; }

  [[nodiscard]] std::span<char> room() noexcept { return {data_ + end_, capacity() - end_}; }
  void filled(std::size_t n) noexcept { end_ += static_cast<std::uint32_t>(n); }
  void consume(std::size_t n) noexcept {
    begin_ += static_cast<std::uint32_t>(n);
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Moves the waiting bytes to the front, so that all room is behind them.
  void compact() noexcept {
    if (begin_ == 0) return;
    std::memmove(data_, data_ + begin_, size());
    end_ -= begin_;
    begin_ = 0;
  }

 private:
  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  std::uint32_t begin_ = 0, end_ = 0;
};

}  // namespace sluice::relay
