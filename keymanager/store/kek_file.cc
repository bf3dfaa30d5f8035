#include "keymanager/store/kek_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>

#include "keymanager/base/bytes.h"

namespace sallyport::store {
namespace {

constexpr std::size_t KeyCharacters = 44;
constexpr std::string_view Credential = "credential:";
constexpr std::string_view Variable = "env:";

/// The default of [simple_crypto_plugin] kek in Barbican up to 2024.2: everybody has it.
constexpr std::string_view WellKnownKey = "dGhpcnR5X3R3b19ieXRlX2tleWJsYWhibGFoYmxhaGg=";

class File {
public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int get() const { return descriptor_; }

private:
    int descriptor_;
};

bool only_for_us(const struct stat& status) {
    const auto mode = status.st_mode & 07777;
    if (mode == 0400 || mode == 0600) return true;
    // systemd hands a credential to a unit with User= as root's file with an access list for that user, whose mask
    // stat(2) shows as the group's bits.
    return mode == 0440 && status.st_uid == 0 && status.st_gid == 0;
}

Result<void> check(const struct stat& status, const std::string& path) {
    if (!S_ISREG(status.st_mode))
        return Error{Code::Refused, fmt::format("KEK file '{}' is no regular file", path), {}};
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
        return Error{Code::Refused,
                     fmt::format("KEK file '{}' belongs to user {}: it must belong to root or to the user of this "
                                 "process ({})",
                                 path, status.st_uid, ::geteuid()),
                     {}};
    }
    if (!only_for_us(status)) {
        return Error{Code::Refused,
                     fmt::format("KEK file '{}' has mode {:04o}: it must be 0400 or 0600 (chmod 0400 '{}')", path,
                                 status.st_mode & 07777, path),
                     {}};
    }
    return {};
}

/// `what` is "KEK file '/a/path'" or its like.
Error wrong_length(const std::string& what) {
    return {Code::InvalidInput,
            fmt::format("{} must hold {} characters of urlsafe base64 (32 bytes) on one line", what, KeyCharacters),
            {}};
}

Result<crypto::Fernet> key_from(std::string_view line, const std::string& what, BuiltInKey built_in) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() != KeyCharacters) return wrong_length(what);
    if (built_in == BuiltInKey::Refuse && equal_in_constant_time(bytes_of(line), bytes_of(WellKnownKey))) {
        return Error{
            Code::Refused,
            fmt::format("{} holds the key that older Barbican releases had built in: everybody knows it. Make a new "
                        "one (sallyport kek generate FILE), let it be the first of kek_files and this one the "
                        "second, then rewrap what this one protects (sallyport kek rewrap)",
                        what),
            {}};
    }
    auto key = crypto::Fernet::from_text(bytes_of(line));
    if (!key && key.error().code == Code::InvalidInput) return wrong_length(what);
    return key;
}

Result<crypto::Fernet> read_kek_variable(const std::string& name, BuiltInKey built_in) {
    char* const value = ::getenv(name.c_str());
    if (value == nullptr) {
        return Error{Code::InvalidInput,
                     fmt::format("KEK 'env:{0}': there is no variable {0} (it can be read once in a process)", name),
                     {}};
    }
    const std::span<char> text(value, std::strlen(value));
    auto key = key_from({text.data(), text.size()}, fmt::format("KEK 'env:{}'", name), built_in);
    // /proc/PID/environ shows the very bytes.
    wipe(std::as_writable_bytes(text));
    ::unsetenv(name.c_str());
    return key;
}

}  // namespace

Result<crypto::Fernet> read_kek_file(const std::string& path, BuiltInKey built_in) {
    // O_NONBLOCK: a FIFO in its place must not hang the start.
    const File file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0) {
        if (errno == ELOOP) return Error{Code::Refused, fmt::format("KEK file '{}' is a symbolic link", path), {}};
        return Error{Code::Io, fmt::format("cannot open KEK file '{}': {}", path, std::strerror(errno)), {}};
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) {
        return Error{Code::Io, fmt::format("cannot look at KEK file '{}': {}", path, std::strerror(errno)), {}};
    }
    TRY(check(status, path));

    // Room for the line's end and one byte too many.
    SecureBytes text = TRY(SecureBytes::of_size(KeyCharacters + 3));
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.get(), text.writable().data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return Error{Code::Io, fmt::format("cannot read KEK file '{}': {}", path, std::strerror(errno)), {}};
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.truncate(size);

    return key_from(text_of(text.reveal()), fmt::format("KEK file '{}'", path), built_in);
}

bool is_kek_file(const std::string& source) { return !source.starts_with(Credential) && !source.starts_with(Variable); }

Result<crypto::Fernet> read_kek(const std::string& source, BuiltInKey built_in) {
    if (source.starts_with(Variable)) return read_kek_variable(source.substr(Variable.size()), built_in);
    if (!source.starts_with(Credential)) return read_kek_file(source, built_in);
    const std::string name = source.substr(Credential.size());
    const char* const folder = ::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr || name.empty() || name.find('/') != std::string::npos) {
        return Error{Code::InvalidInput,
                     fmt::format("KEK '{0}': the unit hands over no credential of that name (LoadCredential={1}:FILE)",
                                 source, name),
                     {}};
    }
    return read_kek_file(fmt::format("{}/{}", folder, name), built_in);
}

}  // namespace sallyport::store
