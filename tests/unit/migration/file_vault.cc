#include "tests/unit/migration/file_vault.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/uuid.h"

namespace sallyport::migration {
namespace {

std::string content_of(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

/// The first line is the name, the second the key.
std::string name_in(const std::string& content) { return content.substr(0, content.find('\n')); }
std::string digits_in(const std::string& content) { return content.substr(content.find('\n') + 1); }

bool write_whole(const std::filesystem::path& path, const std::string& text) {
    const std::string draft = path.string() + ".new";
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(file);
    return written && ::rename(draft.c_str(), path.c_str()) == 0;
}

}  // namespace

Result<std::vector<StoredKey>> FileVault::stored() {
    std::vector<StoredKey> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        if (entry.path().extension() == ".new") continue;
        all.push_back({SecretId(entry.path().filename()), name_in(content_of(entry.path()))});
    }
    return all;
}

Result<std::vector<SecretId>> FileVault::store(const SecureBytes& key, std::span<const NewKey> wanted) {
    const std::lock_guard lock(mutex_);
    const bool fails = store_failures > 0;
    if (fails) --store_failures;
    if (fails && fails_before) return *fails_before;
    std::vector<SecretId> ids;
    for (const NewKey& one : wanted) {
        ids.emplace_back(random_uuid());
        if (!write_whole(file_of(ids.back()), one.name + '\n' + to_hex(key.reveal()))) {
            return Error{Code::Io, "a key cannot be written", {}};
        }
    }
    if (fails && fails_after) return *fails_after;
    return ids;
}

Result<std::vector<Result<void>>> FileVault::confirm(const SecureBytes& key, std::span<const KeyUse> keys) {
    std::vector<Result<void>> answers;
    for (const KeyUse& use : keys) {
        const std::string content = content_of(file_of(use.id));
        if (content.empty()) {
            answers.emplace_back(Error{Code::NotFound, "no such key", {}});
        } else if (digits_in(content) != to_hex(key.reveal())) {
            answers.emplace_back(Error{Code::Corrupt, "another key", {}});
        } else {
            answers.emplace_back();
        }
    }
    return answers;
}

Result<void> FileVault::grant(std::span<const KeyUse> keys) {
    const std::lock_guard lock(mutex_);
    for (const KeyUse& use : keys) granted[use.id.str()] = use.readers;
    return {};
}

Result<std::vector<KeyState>> FileVault::look(std::span<const KeyUse> keys) {
    std::vector<KeyState> states;
    for (const KeyUse& use : keys) {
        states.push_back(std::filesystem::exists(file_of(use.id)) ? KeyState::Readable : KeyState::Missing);
    }
    return states;
}

Result<void> FileVault::remove(const SecretId& id) {
    ::unlink(file_of(id).c_str());
    return {};
}

}  // namespace sallyport::migration
