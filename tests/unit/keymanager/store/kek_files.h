#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sallyport::store {

/// A folder with KEK files, for one test.
class KekFiles {
public:
    KekFiles() {
        std::string name = (std::filesystem::temp_directory_path() / "sallyport-kek-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~KekFiles() { std::filesystem::remove_all(folder_); }
    KekFiles(const KekFiles&) = delete;
    KekFiles& operator=(const KekFiles&) = delete;

    std::string path(const std::string& name) const { return folder_ / name; }
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        std::ofstream(path(name)) << text;
        ::chmod(path(name).c_str(), mode);
        return path(name);
    }

private:
    std::filesystem::path folder_;
};

}  // namespace sallyport::store
