#include <cstdio>
#include <fstream>
#include <span>

#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/secure_bytes.h"

// open_volume DEV KEYFILE: unlocks the key slot as the agent does when it attaches a volume, and maps nothing.

using namespace sallyport;

namespace {

Result<int> open_volume(const char* device, const char* key_path) {
    TRY(open_secure_arena({.bytes = 1024 * 1024, .insecure_allow_unlocked_memory = true}));
    SecureBytes bytes = TRY(SecureBytes::of_size(32));
    std::ifstream(key_path, std::ios::binary).read(reinterpret_cast<char*>(bytes.writable().data()), 32);
    const volume::Passphrase passphrase =
        TRY(volume::Passphrase::from_key(std::move(bytes), volume::KeyKind::Symmetric));
    return volume::make_luks_encryptor()->test(volume::DevicePath(device), passphrase);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const auto slot = open_volume(argv[1], argv[2]);
    if (!slot) std::fprintf(stderr, "%s\n", slot.error().message.c_str());
    return slot ? 0 : 1;
}
