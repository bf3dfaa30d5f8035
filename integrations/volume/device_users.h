#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sallyport::volume {

/// Who uses a block device, for people: "mounted on /srv", "held by dm-3 (crypt-vol)", "swap", "partition sda1:
/// mounted on /", "open in qemu-system-x86 (pid 812)". Processes of others are seen only with root's rights.
/// Reads /sys/dev/block, /proc/self/mountinfo, /proc/swaps and /proc/*/fd. Empty: nobody that can be seen.
std::vector<std::string> users_of_block_device(dev_t device);

/// The loop devices that a file is attached to ("loop device /dev/loop3"). Reads /sys/block.
std::vector<std::string> loop_devices_of_file(dev_t file_system, ino_t inode);

std::string joined(const std::vector<std::string>& parts, const char* separator = ", ");

}  // namespace sallyport::volume
