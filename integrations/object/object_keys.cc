#include "integrations/object/object_keys.h"

#include <optional>

#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/log.h"
#include "keymanager/crypto/digest.h"

namespace sallyport::object {
namespace {

/// Account, container and object of a key_id; the latter two may be missing.
struct PathParts {
    std::string account;
    std::optional<std::string> container;
    std::optional<std::string> object;
};

Error malformed_path() { return Error{Code::Corrupt, "the stored key_id has a malformed path", {}}; }

Result<PathParts> split(std::string_view path) {
    if (path.empty() || path.front() != '/') return malformed_path();
    path.remove_prefix(1);
    PathParts parts;
    const auto account_end = path.find('/');
    parts.account = path.substr(0, account_end);
    if (parts.account.empty()) return malformed_path();
    if (account_end == std::string_view::npos) return parts;
    path.remove_prefix(account_end + 1);
    const auto container_end = path.find('/');
    parts.container = path.substr(0, container_end);
    if (container_end != std::string_view::npos) parts.object = path.substr(container_end + 1);
    return parts;
}

/// The parts of the path that the stored text spells.
Result<PathParts> stored_parts(const ObjectPath& request, const KeyId& key_id) {
    const bool names_account = key_id.path.starts_with("/" + request.account + "/");
    // Version 1 wrote only the object's name if it began with a slash; account and container can but be the request's.
    if (key_id.version == MetaVersion::V1 && !names_account) {
        return PathParts{request.account, request.container, key_id.path};
    }
    return split(key_id.path);
}

/// True if `parts` are the request's; a request about a container says nothing of the object.
bool is_of_request(const PathParts& parts, const ObjectPath& request) {
    return parts.account == request.account && parts.container.value_or("") == request.container &&
           (request.object.empty() || parts.object.value_or("") == request.object);
}

/// The parts as they were meant, if each byte of them was written as one Latin-1 character.
std::optional<PathParts> read_as_bytes(const PathParts& parts) {
    const auto as_bytes = [](const std::string& text) -> std::optional<std::string> {
        auto bytes = utf8_as_latin1(text);
        if (!bytes || !is_utf8(*bytes)) return std::nullopt;
        return *std::move(bytes);
    };
    const auto account = as_bytes(parts.account);
    const auto container = as_bytes(parts.container.value_or(""));
    const auto object = as_bytes(parts.object.value_or(""));
    if (!account || !container || !object) return std::nullopt;
    return PathParts{*account, container, object};
}

Result<ObjectKeys> derive(const KeySource& secrets, const std::string& secret_id, const ObjectPath& path,
                          MetaVersion version, bool with_object) {
    auto container = secrets.derive(secret_id, path.container_path());
    if (!with_object) return ObjectKeys {
            TRY(std::move(container))
            , {}
        };
    const bool name_only = version == MetaVersion::V1 && path.object.starts_with('/');
    // Both are asked for before one may fail: what is missing is then known at once (GrantedKeys).
    auto object = secrets.derive(secret_id, name_only ? path.object : path.object_path());
    return ObjectKeys {
        TRY(std::move(container))
        , TRY(std::move(object))
    };
}

}  // namespace

Result<ObjectKeys> derive_keys(const KeySource& secrets, const ObjectPath& request) {
    return derive_keys(secrets, request, secrets.active());
}

Result<ObjectKeys> derive_keys(const KeySource& secrets, const ObjectPath& request, const std::string& secret_id) {
    return derive(secrets, secret_id, request, secrets.version_to_write(), request.is_object());
}

Result<ObjectKeys> keys_of(const KeySource& secrets, const ObjectPath& request, const KeyId& key_id) {
    PathParts parts = TRY(stored_parts(request, key_id));
    if (key_id.version != MetaVersion::V3 && !is_of_request(parts, request)) {
        const auto other_spelling = read_as_bytes(parts);
        if (other_spelling && is_of_request(*other_spelling, request)) parts = *other_spelling;
    }
    if (!parts.container || (request.is_object() && !parts.object)) return malformed_path();
    if (!is_of_request(parts, request)) {
        // Not the names: a log is no place for them.
        log_info("an object's key_id names another path than the request; the stored one is used");
    }
    const ObjectPath path{parts.account, *parts.container, parts.object.value_or("")};
    return derive(secrets, key_id.secret_id, path, key_id.version, request.is_object());
}

Result<KeyId> key_id_to_write(const KeySource& secrets, const ObjectPath& request) {
    const MetaVersion version = secrets.version_to_write();
    const bool name_only = version == MetaVersion::V1 && request.object.starts_with('/');
    const std::string path = name_only ? request.object : request.object_path();
    if (version != MetaVersion::V3) return KeyId{latin1_as_utf8(path), version, secrets.active()};
    if (!is_utf8(path)) return Error{Code::InvalidInput, "the path is not UTF-8", {}};
    return KeyId{path, version, secrets.active()};
}

Result<std::string> etag_mac(const SecureBytes& object_key, std::string_view tag) {
    return to_base64(TRY(crypto::hmac_sha256(object_key.reveal(), bytes_of(tag))));
}

}  // namespace sallyport::object
