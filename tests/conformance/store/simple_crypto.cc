#include "keymanager/store/simple_crypto.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/conformance/store/secret_store_conformance.h"

namespace sallyport::store {
namespace {

/// Two KEK files in a folder that goes when the program ends.
std::string kek_file(int key) {
    struct Folder {
        std::filesystem::path path;
        Folder() {
            std::string name = (std::filesystem::temp_directory_path() / "sallyport-kek-XXXXXX").string();
            path = mkdtemp(name.data());
            for (int i = 0; i < 2; ++i) {
                const auto file = path / std::to_string(i);
                std::ofstream(file) << i << "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
                ::chmod(file.c_str(), 0600);
            }
        }
        ~Folder() { std::filesystem::remove_all(path); }
    };
    static const Folder folder;
    return folder.path / std::to_string(key);
}

std::unique_ptr<SecretStore> open(int key, Envelope envelope) {
    auto store = make_simple_crypto({"Software", {kek_file(key)}, envelope}, system_clock());
    return store ? *std::move(store) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(
    SimpleCrypto, SecretStoreConformance,
    testing::Values(StoreUnderTest{"Bound", true, [](int key) { return open(key, Envelope::Bound); }},
                    StoreUnderTest{"Barbican", false, [](int key) { return open(key, Envelope::Barbican); }}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace sallyport::store
