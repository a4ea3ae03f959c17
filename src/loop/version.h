// Which libevent runs the loops: for `sluice version` and bug reports.
#pragma once

namespace sluice::loop {

const char*
libevent_version() noexcept;  // "2.1.12-stable"; of the library that is loaded, not of the headers

}  // namespace sluice::loop
