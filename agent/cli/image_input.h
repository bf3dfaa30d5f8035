#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "agent/cli/command.h"
#include "integrations/image/certificate.h"
#include "integrations/image/signature_types.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

/// What `image sign` and `image verify` read: images, property files, and keys and certificates from files or the key
/// manager.
namespace sallyport::cli {

/// All of a file ("-": standard input), block by block, once, with a progress bar for a person. How many bytes it was.
/// Error: `Io` naming the file; that of `take`.
Result<std::uint64_t> read_image(const CliContext& context, const std::string& path,
                                 const std::function<Result<void>(std::span<const std::byte>)>& take);

/// A small file that holds no secret (properties, certificates), whole. Error: `Io`, `TooLarge`.
Result<Bytes> read_small_file(const CliContext& context, const std::string& path);

/// The certificate that the key manager has under an id or ref, asked of the agent as Glance asks it.
/// Error: `Refused` in cursive's words: not found, not to be had, no certificate.
Result<image::Certificate> certificate_from_agent(const CliContext& context, const std::string& id);
Result<image::Certificate> certificate_from_file(const CliContext& context, const std::string& path);

/// What --trusted names: files in PEM (of one certificate or several) or DER, or else ids of the key manager.
struct TrustedCertificates {
    std::vector<image::TrustedCertificate> certificates;
    std::vector<std::string> remarks;  ///< by Rules::Cursive: which of them are skipped
};
Result<TrustedCertificates> trusted_certificates(const CliContext& context, const std::vector<std::string>& names,
                                                 image::Rules rules);

/// The private key that the key manager has under an id or ref. Error: `NotFound`, `Forbidden`, ...
Result<SecureBytes> private_key_from_agent(const CliContext& context, const std::string& id);

/// Adds --compat cursive to a verb.
void add_compat_option(CLI::App& verb, image::Rules& rules);

}  // namespace sallyport::cli
