#include <stdlib.h>

#include <filesystem>
#include <string>

#include "tests/conformance/db/database_conformance.h"

namespace sallyport::db {
namespace {

/// A folder that goes when the program ends.
const std::filesystem::path& folder() {
    struct Folder {
        std::filesystem::path path;
        Folder() {
            std::string name = (std::filesystem::temp_directory_path() / "sallyport-db-XXXXXX").string();
            path = mkdtemp(name.data());
        }
        ~Folder() { std::filesystem::remove_all(path); }
    };
    static const Folder made;
    return made.path;
}

std::unique_ptr<Database> open(const std::string& url) {
    auto opened = make_database({.url = url, .password_file = {}, .sessions = 3});
    return opened ? *std::move(opened) : nullptr;
}

std::unique_ptr<Database> open_file() {
    static int count = 0;
    return open("sqlite:///" + (folder() / ("test" + std::to_string(++count) + ".sqlite")).string());
}

std::unique_ptr<Database> open_memory() { return open("sqlite://"); }

const auto Implementations =
    testing::Values(DatabaseUnderTest{"SqliteFile", open_file}, DatabaseUnderTest{"SqliteMemory", open_memory});

std::string name_of(const testing::TestParamInfo<DatabaseUnderTest>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Sqlite, DatabaseConformance, Implementations, name_of);
INSTANTIATE_TEST_SUITE_P(Sqlite, RepositoryConformance, Implementations, name_of);

}  // namespace
}  // namespace sallyport::db
