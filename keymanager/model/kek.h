#pragma once

#include <optional>
#include <string>

#include "keymanager/base/bytes.h"
#include "keymanager/base/ids.h"

namespace sallyport::model {

/// A row of kek_data: one project's key-encryption key (pKEK), itself wrapped by the store's master key.
struct KekMeta {
    KekId id;
    ProjectId project;
    std::string plugin_name;  ///< Barbican's Python class path of the plug-in that made it
    std::string label;
    std::string algorithm = "aes";
    int bit_length = 128;
    std::string mode = "cbc";
    std::string plugin_meta;  ///< simple_crypto: the wrapped pKEK (a token); pkcs11: JSON
};

/// A row of encrypted_data: ciphertext and what opening it needs. Text exactly as the columns hold it.
struct WrappedSecret {
    std::string cypher_text;
    std::optional<std::string> kek_meta_extended;
};

}  // namespace sallyport::model
