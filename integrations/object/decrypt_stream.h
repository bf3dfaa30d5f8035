#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "integrations/object/crypto_meta.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/crypto/aes_ctr.h"

namespace sallyport::object {

/// The body key behind a stored meta. A wrong object key gives a wrong body key: nothing tells.
/// Error: `Corrupt` if it is missing, its key has not 32 bytes or its IV not 16.
Result<SecureBytes> unwrap_body_key(const CryptoMeta& meta, const SecureBytes& object_key);

/// Decrypts the body of one response as it passes, in place: the whole object, one range of it, or several in
/// multipart/byteranges, where each part is decrypted from the offset in its own Content-Range and all else stays.
///
/// Not thread-safe. Memory is bounded: of a multipart body it keeps a part's head, at most 8 KiB.
class DecryptStream {
public:
    /// `offset`: where in the object the body begins.
    static Result<DecryptStream> whole_or_range(SecureBytes body_key, const crypto::CounterBlock& iv,
                                                std::uint64_t offset);
    static Result<DecryptStream> multipart(SecureBytes body_key, const crypto::CounterBlock& iv, std::string boundary);

    /// The next bytes of the body. Error: `Corrupt` if a multipart body is not what it claims to be.
    Result<void> decrypt(std::span<std::byte> chunk);
    /// The same from memory to other memory of that size.
    Result<void> decrypt(std::span<const std::byte> in, std::span<std::byte> out);

private:
    DecryptStream(SecureBytes body_key, const crypto::CounterBlock& iv) : body_key_(std::move(body_key)), iv_(iv) {}

    Result<std::size_t> take_part_head(std::span<const std::byte> chunk);
    Result<void> begin_part();

    SecureBytes body_key_;
    crypto::CounterBlock iv_;
    std::optional<crypto::AesCtr> cipher_;

    std::string delimiter_;        ///< "--boundary"; empty: the body is no multipart
    std::string part_head_;        ///< what has come of the part's head
    std::uint64_t part_left_ = 0;  ///< bytes of the part's body still to come
    bool after_last_ = false;      ///< the closing delimiter has passed
};

}  // namespace sallyport::object
