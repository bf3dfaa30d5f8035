#pragma once

#include <span>
#include <string>
#include <vector>

#include "integrations/image/certificate.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::image {

/// What cursive 0.2.3 says of a chain (certificate_utils.verify_certificate), word for word, with all that is odd about
/// it: every certificate up to a self-signed root has to be among the trusted; a CA without a path length makes it fall
/// over, and so do certificates signed with PSS; a self-signed certificate that is no CA cannot be trusted; names match
/// letter by letter; neither the strength of keys nor that of hashes matters.
///
/// Error: `Refused` with cursive's message; where cursive dies of an exception of Python instead, with that one's.
/// `remarks` gets the lines that cursive logs as warnings. Pure, thread-safe.
Result<void> check_chain_as_cursive(const Certificate& certificate, std::span<const TrustedCertificate> trusted,
                                    Timestamp now, std::vector<std::string>& remarks);

}  // namespace sallyport::image
