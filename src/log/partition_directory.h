// Making a partition's directory as a broker does, and taking it for oneself.
//
//   <log directory>/<topic>-<partition>/partition.metadata        the topic's id, the same in all its partitions
//                                       leader-epoch-checkpoint   one leader, from the first offset on
//                                       .lock                     held by the one that writes
//
// Errors    std::runtime_error that says what to do about it.
// Thread    any; may wait for a disk, and for others who make a directory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/unique_fd.h"

namespace sluice::log {

// Its path. Makes it, and the last part of `log_directory`, where they are missing; a reader sees all of it or nothing.
std::string make_partition(const std::string& log_directory, const std::string& topic,
                           std::int32_t partition);

// The right to change what is in `directory`, as long as the descriptor. Refused while another writer has it, or while a
// Kafka broker runs on the log directory (it locks `.lock` there).
os::UniqueFd lock_partition(const std::string& log_directory, const std::string& directory);

// The directory and the files in it belong to `user` from now on, so that a process that becomes `user` can go on writing.
void give_partition(const std::string& directory, const std::string& user);

// The base offsets of its segments, ascending.
std::vector<std::int64_t> segments_in(const std::string& directory);

// The leader's epoch that batches are written in.
std::int32_t leader_epoch_of(const std::string& directory);

// Takes the files of one segment away, its log first. 0, or errno when that could not be.
int remove_segment(const std::string& directory, std::int64_t base_offset);

}  // namespace sluice::log
