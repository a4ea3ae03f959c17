#include "os/unique_fd.h"

#include <unistd.h>

namespace sluice::os {

void close_fd(int fd) noexcept { ::close(fd); }

}  // namespace sluice::os
