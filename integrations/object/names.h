#pragma once

#include <string_view>

namespace sallyport::object {

// The header names of the format (Swift's at-rest encryption, section "What is stored with an object").

inline constexpr std::string_view UserMetaPrefix = "X-Object-Meta-";
inline constexpr std::string_view SysmetaPrefix = "X-Object-Sysmeta-";
inline constexpr std::string_view TransientSysmetaPrefix = "X-Object-Transient-Sysmeta-";

inline constexpr std::string_view CryptoSysmetaPrefix = "X-Object-Sysmeta-Crypto-";
inline constexpr std::string_view CryptoTransientPrefix = "X-Object-Transient-Sysmeta-Crypto-";

/// Crypto meta of the body, with its wrapped key.
inline constexpr std::string_view BodyMeta = "X-Object-Sysmeta-Crypto-Body-Meta";
/// The plaintext's MD5, sealed.
inline constexpr std::string_view CryptoEtag = "X-Object-Sysmeta-Crypto-Etag";
/// The plaintext's MD5 as a MAC, for conditional requests.
inline constexpr std::string_view CryptoEtagMac = "X-Object-Sysmeta-Crypto-Etag-Mac";
/// What a listing shows as hash, sealed.
inline constexpr std::string_view ListingEtag = "X-Object-Sysmeta-Container-Update-Override-Etag";
/// Crypto meta of the user metadata.
inline constexpr std::string_view TransientMeta = "X-Object-Transient-Sysmeta-Crypto-Meta";
/// Before the name of each piece of user metadata, sealed.
inline constexpr std::string_view SealedMetaPrefix = "X-Object-Transient-Sysmeta-Crypto-Meta-";

/// Where the store finds the ETag to compare in a conditional request: a list of names, the first that exists counts.
inline constexpr std::string_view EtagIsAt = "X-Backend-Etag-Is-At";

/// In a PUT from the filter to a store that knows it: the footers say the MD5 of what was written, if that is anything,
/// so the store need not take it a second time.
inline constexpr std::string_view EtagFollows = "X-Backend-Etag-Follows";

}  // namespace sallyport::object
