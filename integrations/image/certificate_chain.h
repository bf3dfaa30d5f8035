#pragma once

#include <span>
#include <string>
#include <string_view>

#include "integrations/image/certificate.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::image {

/// Is the image's certificate one of those trusted, or certified by one of them, directly or through others of them?
/// By RFC 5280, section 6: dates, CA flags, key usages, path lengths (which a CA need not limit), name constraints, and
/// signatures of 112 bits of security at least. A trusted certificate certifies others only if it is a CA that says
/// keyCertSign. One that is self-signed, or whose issuer is not among them, is an anchor.
///
/// Error: `Refused` in cursive's words where it has any. Pure, thread-safe.
Result<void> check_chain(const Certificate& certificate, std::span<const TrustedCertificate> trusted, Timestamp now);

/// cursive's word for a chain that ends before a trusted certificate; `whose` is "the base certificate" or
/// "certificate 'ID'".
Error no_issuer(std::string_view whose);
/// cursive's word for a path length that is exceeded.
Error chain_too_long(std::string_view signing_certificate);

}  // namespace sallyport::image
