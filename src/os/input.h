// What others give a command to read: standard input of any kind (file, pipe, terminal), read with a bound on the wait and
// with an ear for the signals that end it.
//
// Source   poll(2), read(2), signalfd(2).
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "os/io_result.h"
#include "os/unique_fd.h"

namespace sluice::os {

inline constexpr int kStandardInput = 0;

// SIGINT, SIGTERM and SIGHUP no longer end the process, but make this readable; those that are ignored stay so (nohup(1), jobs
// of a shell). For the main thread, before there are others. Invalid: errno says why.
UniqueFd catch_end_signals() noexcept;

enum class Input { kReadable, kSignal, kNothing };

// Until `fd` is readable (or at its end), a caught signal is there, or `longest` has passed; no bound without one. Of the
// first two the signal goes before.
Input wait_for_input(int fd, int signals, std::optional<std::chrono::milliseconds> longest) noexcept;

// read(2): bytes == 0 at the end.
IoResult read_some(int fd, std::span<char> into) noexcept;

}  // namespace sluice::os
