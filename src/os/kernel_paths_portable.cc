#include "os/kernel_paths.h"

namespace sluice::os {

KernelPaths kernel_paths() noexcept { return {.splice = false, .sendfile = false}; }

const char* kernel_paths_name() noexcept { return "none"; }

IoResult splice_in(int, const Pipe&, std::size_t) noexcept { return {.bytes = 0, .error = ENOSYS}; }
IoResult splice_out(const Pipe&, int, std::size_t, bool) noexcept { return {.bytes = 0, .error = ENOSYS}; }
IoResult send_file(int, int, std::uint64_t, std::size_t) noexcept { return {.bytes = 0, .error = ENOSYS}; }

}  // namespace sluice::os
