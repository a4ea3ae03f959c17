#include "os/file_system.h"

#include <linux/magic.h>
#include <sys/statfs.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice::os {

namespace {

constexpr std::array<std::uint32_t, 9> kShared = {
    NFS_SUPER_MAGIC,       SMB_SUPER_MAGIC, 0xff534d42 /* cifs */,
    0xfe534d42 /* smb2 */, V9FS_MAGIC,      FUSE_SUPER_MAGIC,
    CEPH_SUPER_MAGIC,      AFS_SUPER_MAGIC, 0x7461636f /* ocfs2 */};

}  // namespace

bool is_shared_file_system(const std::string& path) noexcept {
  struct statfs status {};
  return ::statfs(path.c_str(), &status) == 0 &&
         std::find(kShared.begin(), kShared.end(), static_cast<std::uint32_t>(status.f_type)) !=
             kShared.end();
}

}  // namespace sluice::os
