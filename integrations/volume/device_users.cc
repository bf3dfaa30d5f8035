#include "integrations/volume/device_users.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace sallyport::volume {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

std::string number_of(dev_t device) { return std::to_string(major(device)) + ":" + std::to_string(minor(device)); }

std::vector<fs::path> entries_of(const fs::path& folder) {
    std::vector<fs::path> entries;
    std::error_code failed;
    for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
        entries.push_back(it->path());
    std::sort(entries.begin(), entries.end());
    return entries;
}

/// The kernel writes blanks in mount points as \040 (proc(5)).
std::string unescaped(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

void add_mounts(dev_t device, const std::string& prefix, std::vector<std::string>& users) {
    std::ifstream in("/proc/self/mountinfo");
    const std::string wanted = number_of(device);
    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        std::string id, parent, number, root, point;
        fields >> id >> parent >> number >> root >> point;
        if (number == wanted) users.push_back(prefix + "mounted on " + unescaped(point));
    }
}

void add_swap(dev_t device, const std::string& prefix, std::vector<std::string>& users) {
    std::ifstream in("/proc/swaps");
    std::string line;
    std::getline(in, line);  // the heading
    while (std::getline(in, line)) {
        std::istringstream fields(line);
        std::string path;
        fields >> path;
        struct stat status {};
        if (stat(unescaped(path).c_str(), &status) == 0 && S_ISBLK(status.st_mode) && status.st_rdev == device) {
            users.push_back(prefix + "used as swap");
        }
    }
}

void add_holders(const fs::path& sys, const std::string& prefix, std::vector<std::string>& users) {
    for (const fs::path& holder : entries_of(sys / "holders")) {
        const std::string name = first_line(holder / "dm" / "name");
        users.push_back(prefix + "held by " + holder.filename().string() + (name.empty() ? "" : " (" + name + ")"));
    }
}

bool is_number(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= '0' && c <= '9'; });
}

bool has_open(const fs::path& process, dev_t device) {
    for (const fs::path& descriptor : entries_of(process / "fd")) {
        struct stat status {};
        if (stat(descriptor.c_str(), &status) == 0 && S_ISBLK(status.st_mode) && status.st_rdev == device) return true;
    }
    return false;
}

void add_processes(dev_t device, const std::string& prefix, std::vector<std::string>& users) {
    const std::string self = std::to_string(getpid());
    for (const fs::path& process : entries_of("/proc")) {
        const std::string pid = process.filename().string();
        if (!is_number(pid) || pid == self || !has_open(process, device)) continue;
        users.push_back(prefix + "open in " + first_line(process / "comm") + " (pid " + pid + ")");
    }
}

void add_all(dev_t device, const std::string& prefix, std::vector<std::string>& users) {
    add_holders("/sys/dev/block/" + number_of(device), prefix, users);
    add_mounts(device, prefix, users);
    add_swap(device, prefix, users);
    add_processes(device, prefix, users);
}

}  // namespace

std::vector<std::string> users_of_block_device(dev_t device) {
    std::vector<std::string> users;
    add_all(device, {}, users);
    for (const fs::path& entry : entries_of("/sys/dev/block/" + number_of(device))) {
        if (!fs::exists(entry / "partition")) continue;
        unsigned high = 0, low = 0;
        char colon = 0;
        std::istringstream number(first_line(entry / "dev"));
        if (number >> high >> colon >> low)
            add_all(makedev(high, low), "partition " + entry.filename().string() + ": ", users);
    }
    return users;
}

std::vector<std::string> loop_devices_of_file(dev_t file_system, ino_t inode) {
    std::vector<std::string> loops;
    for (const fs::path& entry : entries_of("/sys/block")) {
        const std::string backing = first_line(entry / "loop" / "backing_file");
        struct stat status {};
        if (backing.empty() || stat(backing.c_str(), &status) != 0) continue;
        if (status.st_dev == file_system && status.st_ino == inode)
            loops.push_back("loop device /dev/" + entry.filename().string());
    }
    return loops;
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
    return text;
}

}  // namespace sallyport::volume
