#include "agent/cli/image_sign.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/cli/image_input.h"
#include "agent/cli/output.h"
#include "agent/cli/refs.h"
#include "agent/cli/secret_io.h"
#include "integrations/image/signature.h"
#include "integrations/image/signature_properties.h"
#include "integrations/image/signer.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/codec.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

struct SignOptions {
    std::string file;
    std::string key_id;
    std::string key_file;
    std::string passphrase_file;
    std::string certificate_id;
    std::string certificate_file;
    std::string hash_method = "SHA-256";
    std::string properties;
    image::Rules rules = image::Rules::Strict;
};

/// What Cinder notes of an image that it has verified, and carries on to images that are made of the volume.
constexpr std::string_view VerifiedProperty = "signature_verified";

Result<image::ImageSigner> signer_of(const CliContext& context, const SignOptions& options) {
    std::optional<SecureBytes> passphrase;
    if (!options.passphrase_file.empty()) passphrase = TRY(read_secret_file(options.passphrase_file));
    const SecureBytes encoded = options.key_id.empty() ? TRY(read_secret_file(options.key_file))
                                                       : TRY(private_key_from_agent(context, options.key_id));
                                                       const auto method = image::hash_method_of(options.hash_method);
                                                       return image::ImageSigner::create(
                                                           encoded, passphrase,
                                                           method.value_or(image::HashMethod::Sha256));
}

Result<image::Certificate> certificate_of(const CliContext& context, const SignOptions& options) {
    if (!options.certificate_file.empty()) return certificate_from_file(context, options.certificate_file);
    return certificate_from_agent(context, options.certificate_id);
}

/// A UUID for a certificate that nobody has stored: version 8 (RFC 9562, section 5.8) out of its fingerprint.
std::string uuid_of_fingerprint(std::string fingerprint) {
    fingerprint[12] = '8';
    fingerprint[16] = 'a';
    const std::string_view hex = fingerprint;
    return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                       hex.substr(20, 12));
}

Result<std::string> certificate_uuid(const CliContext& context, const SignOptions& options,
                                     const image::Certificate& certificate) {
    if (!options.certificate_id.empty()) return id_of(options.certificate_id, "certificate");
    remark(context, fmt::format("img_signature_certificate_uuid is made of the certificate's fingerprint. Glance will "
                                "ask the key manager for the certificate: store it (sallyport secret store -s "
                                "certificate --file {}) and give its id as --certificate",
                                options.certificate_file));
    return uuid_of_fingerprint(TRY(certificate.fingerprint()));
}

/// Whoever verifies would refuse it: better said now than when an instance boots.
Result<void> check_pair(const image::ImageSigner& signer, const image::Certificate& certificate, image::Rules rules) {
    const image::Key certified = TRY(image::Key::of(certificate));
    if (!signer.belongs_to(certified)) {
        return Error{
            Code::Refused, fmt::format("the certificate ({}) is not that of this key", certificate.subject()), {}};
    }
    return image::check_signer(certificate, certified, signer.key_type(), rules, system_clock().now());
}

/// What the image has besides the signature: its properties as Glance or the client writes them, without what is said
/// of another image's bytes.
Result<Record> other_properties(const CliContext& context, const SignOptions& options) {
    if (options.properties.empty()) return Record();
    const Bytes text = TRY(read_small_file(context, options.properties));
    json::error_code failed;
    const json::value parsed = json::parse(text_of(text), failed);
    if (failed || !parsed.is_object()) {
        return Error{Code::InvalidInput, options.properties + " holds no JSON object", {}};
    }
    const json::value* const inner = parsed.get_object().if_contains("properties");
    Record kept = inner != nullptr && inner->is_object() ? inner->get_object() : parsed.get_object();
    for (const std::string_view name : image::SignatureProperties) kept.erase(name);
    kept.erase(VerifiedProperty);
    return kept;
}

Result<void> sign(CliContext& context, const SignOptions& options) {
    if (options.certificate_id.empty() && options.certificate_file.empty()) {
        return wrong_usage(context, "--certificate or --certificate-file is required");
    }
    if (options.file == "-" &&
        (options.key_file == "-" || options.passphrase_file == "-" || options.properties == "-")) {
        return wrong_usage(context, "standard input cannot be the image and something else");
    }
    Record properties = TRY(other_properties(context, options));
    image::ImageSigner signer = TRY(signer_of(context, options));
    const image::Certificate certificate = TRY(certificate_of(context, options));
    TRY(check_pair(signer, certificate, options.rules));
    const std::string uuid = TRY(certificate_uuid(context, options, certificate));

    const auto update = [&signer](std::span<const std::byte> block) { return signer.update(block); };
    TRY(read_image(context, options.file, update));
    properties[image::SignatureProperty] = to_base64(TRY(signer.finish()));
    properties[image::HashMethodProperty] = options.hash_method;
    properties[image::KeyTypeProperty] = image::name_of(signer.key_type());
    properties[image::CertificateProperty] = uuid;
    return print_record(context, properties);
}

}  // namespace

void add_image_sign(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<SignOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"sign", "Sign an image: prints its four img_signature properties",
                               "sallyport image sign cirros.img --key KEY_ID --certificate CERTIFICATE_ID"});
    verb.add_option("FILE", options->file, "The image as it will be uploaded (-: standard input)")->required();
    CLI::Option_group& group = *verb.add_option_group("Key", "One of");
    group.add_option("--key", options->key_id, "Id or ref of the private key in the key manager")->type_name("ID");
    group
        .add_option("--key-file", options->key_file, "The private key, PEM or DER (-: standard input); needs no agent")
        ->type_name("FILE");
    group.require_option(1);
    verb.add_option("--key-passphrase-file", options->passphrase_file,
                    "The passphrase of an encrypted key, byte for byte as it is")
        ->type_name("FILE");
    verb.add_option("--certificate", options->certificate_id,
                    "Id or ref of the key's certificate in the key manager, where Glance will look for it")
        ->type_name("ID");
    verb.add_option("--certificate-file", options->certificate_file,
                    "The certificate, PEM or DER; the key manager is then not asked for it")
        ->type_name("FILE");
    verb.add_option("--hash", options->hash_method, "SHA-224, SHA-256, SHA-384 or SHA-512")
        ->capture_default_str()
        ->check(CLI::IsMember({"SHA-224", "SHA-256", "SHA-384", "SHA-512"}));
    verb.add_option("--properties", options->properties,
                    "What the image (a snapshot, say) has for properties by now, in JSON: they are printed too, the "
                    "new signature in place of an old one")
        ->type_name("FILE");
    add_compat_option(verb, options->rules);
    set_action(verb, context, [options, &context] { return sign(context, *options); });
}

}  // namespace sallyport::cli
