#include "integrations/object/granted_keys.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "keymanager/base/bytes.h"

namespace sallyport::object {
namespace {

constexpr std::byte Layout{1};
constexpr std::size_t KeySize = 32;
constexpr std::size_t HeadSize = 6;
constexpr std::size_t Most = 65535;

/// Fills a buffer of a size that was computed before.
class Writer {
public:
    explicit Writer(std::span<std::byte> left) : left_(left) {}
    void bytes(std::span<const std::byte> bytes) {
        std::ranges::copy(bytes, left_.begin());
        left_ = left_.subspan(bytes.size());
    }
    void byte(std::byte value) { bytes(std::span(&value, 1)); }
    void number(std::size_t value) {
        byte(static_cast<std::byte>(value >> 8));
        byte(static_cast<std::byte>(value & 0xff));
    }

private:
    std::span<std::byte> left_;
};

Error malformed() { return Error{Code::Corrupt, "the agent's grant of keys is malformed", {}}; }

class Reader {
public:
    explicit Reader(std::span<const std::byte> left) : left_(left) {}
    bool at_end() const { return left_.empty(); }
    Result<std::span<const std::byte>> bytes(std::size_t size) {
        if (left_.size() < size) return malformed();
        const auto taken = left_.first(size);
        left_ = left_.subspan(size);
        return taken;
    }
    Result<std::size_t> number() {
        const auto two = TRY(bytes(2));
        return (std::to_integer<std::size_t>(two[0]) << 8) | std::to_integer<std::size_t>(two[1]);
    }

private:
    std::span<const std::byte> left_;
};

Result<MetaVersion> version_of(std::byte value) {
    switch (std::to_integer<int>(value)) {
        case 1: return MetaVersion::V1;
        case 2: return MetaVersion::V2;
        case 3: return MetaVersion::V3;
        default: return malformed();
    }
}

}  // namespace

std::vector<std::string> key_paths(const ObjectPath& request) {
    std::vector<std::string> paths{request.container_path()};
    if (!request.is_object()) return paths;
    paths.push_back(request.object_path());
    if (request.object.starts_with('/')) paths.push_back(request.object);
    return paths;
}

Result<SecureBytes> grant(const KeySource& source, const std::vector<std::string>& paths) {
    const std::vector<std::string> ids = source.ids();
    std::size_t size = HeadSize;
    bool too_large = ids.size() > Most || paths.size() > Most;
    for (const std::string& id : ids) {
        size += 2 + id.size() + KeySize * paths.size();
        too_large = too_large || id.size() > Most;
    }
    if (too_large) return Error{Code::TooLarge, "too many keys for one grant", {}};
    SecureBytes granted = TRY(SecureBytes::of_size(size));
    Writer writer(granted.writable());
    writer.byte(Layout);
    writer.byte(static_cast<std::byte>(source.version_to_write()));
    writer.number(ids.size());
    writer.number(paths.size());
    for (const std::string& id : ids) {
        writer.number(id.size());
        writer.bytes(bytes_of(id));
        for (const std::string& path : paths) {
            const SecureBytes key = TRY(source.derive(id, path));
            writer.bytes(key.reveal());
        }
    }
    return granted;
}

Result<SecureBytes> GrantedKeys::derive(const std::string& secret_id, std::string_view path) const {
    const auto found = keys_.find(Name(secret_id, path));
    if (found != keys_.end()) return found->second.clone();
    const bool unknown = !ids_.empty() && std::ranges::find(ids_, secret_id) == ids_.end();
    if (unknown) return Error{Code::NotFound, "unknown root secret id", secret_id};
    if (std::ranges::find(missing_, path) == missing_.end()) missing_.emplace_back(path);
    return Error{Code::Unavailable, "a key is not at hand", {}};
}

Result<void> GrantedKeys::add(const std::vector<std::string>& paths, std::span<const std::byte> granted) {
    Reader reader(granted);
    const auto head = TRY(reader.bytes(2));
    if (head[0] != Layout) return malformed();
    const MetaVersion version = TRY(version_of(head[1]));
    const std::size_t secrets = TRY(reader.number());
    if (secrets == 0 || TRY(reader.number()) != paths.size()) return malformed();
    std::vector<std::string> ids;
    std::map<Name, SecureBytes> keys;
    for (std::size_t i = 0; i < secrets; ++i) {
        ids.emplace_back(text_of(TRY(reader.bytes(TRY(reader.number())))));
        for (const std::string& path : paths) {
            keys.insert_or_assign(Name(ids.back(), path), TRY(SecureBytes::copy_of(TRY(reader.bytes(KeySize)))));
        }
    }
    if (!reader.at_end()) return malformed();
    active_ = ids.front();
    version_ = version;
    ids_ = std::move(ids);
    keys_.merge(keys);
    missing_.clear();
    return {};
}

}  // namespace sallyport::object
