#include "keymanager/store/kek_file.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <span>

#include "keymanager/base/bytes.h"
#include "keymanager/base/private_file.h"

namespace sallyport::store {
namespace {

constexpr std::size_t KeyCharacters = 44;
/// With room for a line's end.
constexpr PrivateFileKind KekFile{.what = "KEK file", .most_bytes = KeyCharacters + 2, .follows_links = false};
constexpr std::string_view Credential = "credential:";
constexpr std::string_view Variable = "env:";

/// The default of [simple_crypto_plugin] kek in Barbican up to 2024.2: everybody has it.
constexpr std::string_view WellKnownKey = "dGhpcnR5X3R3b19ieXRlX2tleWJsYWhibGFoYmxhaGg=";

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
    const std::string name = fmt::format("KEK file '{}'", path);
    const auto text = read_private_file(path, KekFile);
    if (!text && text.error().code == Code::TooLarge) return wrong_length(name);
    if (!text) return text.error();
    return key_from(text_of(text->reveal()), name, built_in);
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
