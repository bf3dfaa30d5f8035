#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "agent/config/config.h"

namespace sallyport::auth {

/// A configuration of Keystone with a password file, which goes with it.
class KeystoneConfig {
public:
    explicit KeystoneConfig(const std::string& url, const std::string& password = "labpass\n") {
        std::string pattern = (std::filesystem::temp_directory_path() / "sallyport-keystone-XXXXXX").string();
        const int fd = mkstemp(pattern.data());
        EXPECT_GE(fd, 0);
        close(fd);
        std::ofstream(pattern) << password;
        config.url = url;
        config.username = "barbican";
        config.password_file.path = pattern;
        config.timeout_seconds = 5;
    }
    ~KeystoneConfig() { unlink(config.password_file.path.c_str()); }
    KeystoneConfig(const KeystoneConfig&) = delete;
    KeystoneConfig& operator=(const KeystoneConfig&) = delete;

    config::Keystone config;
};

}  // namespace sallyport::auth
