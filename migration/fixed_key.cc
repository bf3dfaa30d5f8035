#include "migration/fixed_key.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/digest.h"

namespace sallyport::migration {
namespace {

constexpr std::string_view Group = "key_manager";
constexpr std::string_view Name = "fixed_key";
constexpr std::size_t DigestBytes = 8;
constexpr std::size_t ShortestNonce = 8;

std::string at(const OsloConfig::Place& place) { return fmt::format("{}:{}", place.file, place.line); }

Result<SecureBytes> bytes_of_fixed_key(const SecureBytes& text, const OsloConfig::Place& place) {
    constexpr std::string_view Remedy = "compare it with the other nodes' cinder.conf and nova.conf";
    if (text.size() % 2 != 0) {
        return Error{Code::InvalidInput,
                     fmt::format("{}: fixed_key has an odd number of digits ({}): {}", at(place), text.size(), Remedy),
                     {}};
    }
    auto bytes = from_hex_secure(text.reveal());
    if (!bytes && bytes.error().code == Code::InvalidInput) {
        return Error{Code::InvalidInput,
                     fmt::format("{}: fixed_key holds something that is no hexadecimal digit: {}", at(place), Remedy),
                     {}};
    }
    return bytes;
}

bool same_key(const SecureBytes& a, const SecureBytes& b) { return equal_in_constant_time(a.reveal(), b.reveal()); }

/// A key, and who has it.
struct Owners {
    FixedKey key;
    std::vector<std::string> names;
};

Result<std::vector<OsloConfig::Place>> outdone_by(const FixedKey& taken, const OsloConfig& config) {
    std::vector<OsloConfig::Place> places;
    for (const OsloConfig::PlacedSecret& one : TRY(config.secrets(Group, Name))) {
        if (one.value.empty()) continue;
        const SecureBytes bytes = TRY(bytes_of_fixed_key(one.value, one.place));
        if (!same_key(bytes, taken.bytes)) places.push_back(one.place);
    }
    return places;
}

}  // namespace

Result<std::optional<FixedKey>> read_fixed_key(const OsloConfig& config) {
    const std::optional<SecureBytes> text = TRY(config.secret(Group, Name));
    if (!text || text->empty()) return std::optional<FixedKey>{};
    const OsloConfig::Place place = *config.place_of(Group, Name);
    SecureBytes bytes = TRY(bytes_of_fixed_key(*text, place));
    return std::optional<FixedKey>({std::move(bytes), place});
}

Result<FixedKeyComparison> compare_fixed_keys(std::span<const NamedConfig> configs) {
    FixedKeyComparison comparison;
    std::vector<Owners> keys;
    for (const NamedConfig& one : configs) {
        std::optional<FixedKey> key = TRY(read_fixed_key(one.config));
        if (!key) {
            comparison.without.push_back(one.name);
            continue;
        }
        std::ranges::move(TRY(outdone_by(*key, one.config)), std::back_inserter(comparison.outdone));
        const auto same =
            std::ranges::find_if(keys, [&key](const Owners& owners) { return same_key(owners.key.bytes, key->bytes); });
        if (same != keys.end()) {
            same->names.push_back(one.name);
        } else {
            keys.push_back({*std::move(key), {one.name}});
        }
    }
    std::ranges::stable_sort(keys, std::greater{}, [](const Owners& owners) { return owners.names.size(); });
    for (Owners& owners : keys) comparison.same.push_back(std::move(owners.names));
    return comparison;
}

std::string description(const FixedKeyComparison& comparison) {
    std::vector<std::string> findings;
    if (comparison.same.size() > 1) {
        std::vector<std::string> groups;
        for (const auto& names : comparison.same) groups.push_back(fmt::format("{}", fmt::join(names, ", ")));
        findings.push_back(fmt::format("fixed_key is not the same everywhere: {}", fmt::join(groups, " against ")));
    }
    if (!comparison.without.empty()) {
        findings.push_back(fmt::format("no fixed_key in {}", fmt::join(comparison.without, ", ")));
    }
    std::vector<std::string> places;
    for (const OsloConfig::Place& place : comparison.outdone) places.push_back(at(place));
    if (!places.empty()) {
        findings.push_back(
            fmt::format("another fixed_key, which the services do not take, in {}", fmt::join(places, ", ")));
    }
    return fmt::format("{}", fmt::join(findings, "; "));
}

Result<std::string> salted_digest(const SecureBytes& key, std::string_view nonce) {
    if (nonce.size() < ShortestNonce) {
        return Error{Code::InvalidInput,
                     fmt::format("the nonce needs {} characters at least: openssl rand -hex 16", ShortestNonce),
                     {}};
    }
    const auto digest = TRY(crypto::hmac_sha256(key.reveal(), bytes_of(nonce)));
    return to_hex(std::span(digest).first(DigestBytes));
}

}  // namespace sallyport::migration
