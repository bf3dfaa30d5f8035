#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "migration/oslo_config.h"

namespace sallyport::migration {

/// The one key of Cinder's ConfKeyManager: what binascii.unhexlify makes of `[key_manager] fixed_key`. The passphrase
/// of every volume is its hexadecimal text in lower case, however the file writes it.
struct FixedKey {
    SecureBytes bytes;
    OsloConfig::Place place;
};

/// Nothing if it is unset or empty, as for Cinder. Error, with file and line and without a character of the value:
/// `InvalidInput` if it is no even number of hexadecimal digits.
Result<std::optional<FixedKey>> read_fixed_key(const OsloConfig& config);

/// The configuration of one service on one node.
struct NamedConfig {
    std::string name;  ///< for messages: the path, or the node
    const OsloConfig& config;
};

struct FixedKeyComparison {
    std::vector<std::vector<std::string>> same;  ///< names of those that have one and the same key, most of them first
    std::vector<std::string> without;            ///< names of those that have none
    std::vector<OsloConfig::Place> outdone;      ///< lines of a key other than the one that its own service takes

    bool agree() const { return same.size() <= 1 && without.empty() && outdone.empty(); }
};

/// Compares in constant time. Error: as read_fixed_key.
Result<FixedKeyComparison> compare_fixed_keys(std::span<const NamedConfig> configs);

/// What is wrong, in words for an operator; empty if they agree.
std::string description(const FixedKeyComparison& comparison);

/// 16 hexadecimal digits by which two nodes find out whether they have the same key, without showing it: the start of
/// HMAC-SHA256(key, nonce). The operator gives both the same nonce, a new one each time.
/// Error: `InvalidInput` if the nonce is shorter than 8 characters.
Result<std::string> salted_digest(const SecureBytes& key, std::string_view nonce);

}  // namespace sallyport::migration
