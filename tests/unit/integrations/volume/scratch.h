#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "integrations/volume/passphrase.h"
#include "integrations/volume/volume_facts.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::volume {

/// A folder of one test, removed with it.
class Scratch {
public:
    Scratch() {
        std::string name = std::filesystem::temp_directory_path() / "sallyport-volume.XXXXXX";
        path_ = mkdtemp(name.data());
    }
    ~Scratch() { std::filesystem::remove_all(path_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string path(const std::string& name) const { return path_ / name; }

    /// A sparse file of zeros.
    DevicePath zeros(const std::string& name, std::uint64_t size) const {
        std::ofstream(path(name)).flush();
        std::filesystem::resize_file(path(name), size);
        return DevicePath(path(name));
    }

private:
    std::filesystem::path path_;
};

inline Bytes read_all(const std::string& path) {
    Bytes bytes(std::filesystem::file_size(path));
    std::ifstream in(path, std::ios::binary);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    EXPECT_TRUE(in) << path;
    return bytes;
}

inline bool same_bytes(const std::string& a, const std::string& b) {
    const Bytes left = read_all(a), right = read_all(b);
    return left.size() == right.size() && std::memcmp(left.data(), right.data(), left.size()) == 0;
}

inline void write_at(const std::string& path, std::uint64_t offset, std::string_view text) {
    std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(offset));
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

/// Runs a program of this machine; true if it ends with status 0. Its output is not shown.
inline bool runs(const std::string& command) { return std::system(("(" + command + ") >/dev/null 2>&1").c_str()) == 0; }

inline constexpr std::string_view KeyHex = "8ed1d86688347777e2c02644610d4edde12f041416cba4909ef607be372eb751";
inline constexpr std::string_view OtherKeyHex = "2cc4c7e3c6268aaf9fa816a8df4f89745aab130583dc3fb26c1a2dcdbed1500d";

inline Passphrase passphrase_of(std::string_view hex) {
    return Passphrase::from_key(from_hex_secure(bytes_of(hex)).value(), KeyKind::Symmetric).value();
}
inline Passphrase typed_passphrase(std::string_view text) {
    return Passphrase::from_key(SecureBytes::copy_of(bytes_of(text)).value(), KeyKind::Passphrase).value();
}

}  // namespace sallyport::volume
