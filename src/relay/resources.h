// What the relay of one worker draws on. Every body shares it; each holds only what it needs right now.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "loop/event_loop.h"
#include "loop/offload.h"
#include "os/kernel_paths.h"
#include "relay/buffer.h"
#include "relay/pipe_pool.h"

namespace sluice::relay {

struct Sizes {
  std::size_t head = 16_KiB;   // blocks that heads are read into
  std::size_t relay = 64_KiB;  // blocks that bodies are copied through
  std::size_t pipe = 256_KiB;  // asked of each pipe
  std::size_t pipes = 4096;    // at most
};

struct Resources {
  Resources(loop::EventLoop& the_loop, loop::Offload& the_offload, const Sizes& sizes)
      : loop(the_loop),
        offload(the_offload),
        // Room beyond the largest head, for the beginning of a body that comes along with it.
        heads(sizes.head + 4_KiB, 16),
        blocks(sizes.relay, 16),
        wires(sizes.relay + 1_KiB, 16),
        pipes(sizes.pipe, sizes.pipes, 64),
        head_limit(sizes.head),
        head_scratch_size(2 * sizes.head + 4_KiB),
        head_scratch(std::make_unique<char[]>(head_scratch_size)),
        scratch_size(sizes.relay),
        scratch(std::make_unique<char[]>(scratch_size)),
        kernel(os::kernel_paths()) {}

  [[nodiscard]] std::size_t buffers_in_use() const noexcept {
    return heads.in_use() + blocks.in_use() + wires.in_use();
  }

  loop::EventLoop& loop;
  loop::Offload& offload;
  BufferPool heads, blocks;
  BufferPool wires;  // a block's payload in records: a few bytes more, so that it leaves in one call
  PipePool pipes;
  const std::size_t head_limit;  // of a message
  // For work that begins and ends within one call: a head that is built and sent, ...
  std::size_t head_scratch_size;
  std::unique_ptr<char[]> head_scratch;
  // ... a file piece that is read and sent.
  std::size_t scratch_size;
  std::unique_ptr<char[]> scratch;
  const os::KernelPaths kernel;
};

}  // namespace sluice::relay
