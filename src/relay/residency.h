// Whether a file range is in the page cache, and bringing it there.
#pragma once

#include <cstdint>

#include "relay/file.h"

namespace sluice::relay {

// Asks the kernel for one byte in each read-ahead unit of [from, to) with RWF_NOWAIT. true: none of them is
// cold. false: at least one is, or the file system can't tell. Costs about 16 short calls a window; see
// File::known_resident.
bool is_resident(const File& file, std::uint64_t from, std::uint64_t to) noexcept;

// Reads [from, to), so that it is in the page cache. Blocks: offload threads only. 0, or errno of a read that
// failed: a bad disk may take long to say so, and must not be asked again on the loop.
int bring_in(const File& file, std::uint64_t from, std::uint64_t to) noexcept;

}  // namespace sluice::relay
