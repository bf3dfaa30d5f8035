#include "agent/cli/image_verify.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/image_input.h"
#include "agent/cli/output.h"
#include "integrations/image/certificate_chain.h"
#include "integrations/image/cursive_chain.h"
#include "integrations/image/signature.h"
#include "integrations/image/signature_properties.h"
#include "keymanager/base/clock.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;
using image::Presence;
using image::Rules;

struct VerifyOptions {
    std::string file;
    std::string properties;
    std::string certificate_file;
    std::vector<std::string> trusted;
    bool checks_chain = false;
    std::string record_file;
    Rules rules = Rules::Strict;
};

/// One judgement: what was asked, what came of it, and the lines that Cinder and Nova log where they say the same, word
/// for word, for whoever watches logs for them.
class Verification {
public:
    Verification(CliContext& context, const VerifyOptions& options, image::ImageProperties properties)
        : context_(context), options_(options), image_(std::move(properties)), now_(system_clock().now()) {
        name_ = image_.image_id.empty() ? options.file : image_.image_id;
    }

    /// Error: why the image is refused, behind the headline that Cinder or Nova has for it.
    Result<void> judge();
    /// What is known by now.
    Record record(const Result<void>& judged) const;

private:
    Result<image::SignatureVerifier> verifier();
    Result<image::Certificate> certificate() const;
    Result<void> check_chain();
    Result<void> read(image::SignatureVerifier& verifier);
    Error refusal(std::string headline, const Error& reason);
    json::value fingerprint() const;
    std::string certificate_name() const { return image_.certificate_uuid.value_or(options_.certificate_file); }

    CliContext& context_;
    const VerifyOptions& options_;
    image::ImageProperties image_;
    Timestamp now_;
    std::string name_;
    std::optional<image::Certificate> signer_;
    bool chain_checked_ = false;
    std::uint64_t bytes_ = 0;
    json::array messages_;
};

Error Verification::refusal(std::string headline, const Error& reason) {
    messages_.emplace_back(headline);
    headline += headline.ends_with('.') ? " " : ": ";
    return {reason.code, headline + reason.message, reason.detail};
}

Result<image::Certificate> Verification::certificate() const {
    if (!options_.certificate_file.empty()) return certificate_from_file(context_, options_.certificate_file);
    return certificate_from_agent(context_, *image_.certificate_uuid);
}

Result<image::SignatureVerifier> Verification::verifier() {
    image::SignatureClaim claim = TRY(image::read_claim(image_, options_.rules));
    signer_ = TRY(certificate());
    return image::SignatureVerifier::create(std::move(claim), *signer_, options_.rules, now_);
}

Result<void> Verification::check_chain() {
    TrustedCertificates trusted = TRY(trusted_certificates(context_, options_.trusted, options_.rules));
    Result<void> checked;
    switch (options_.rules) {
        case Rules::Strict: checked = image::check_chain(*signer_, trusted.certificates, now_); break;
        case Rules::Cursive:
            checked = image::check_chain_as_cursive(*signer_, trusted.certificates, now_, trusted.remarks);
            break;
    }
    for (const std::string& line : trusted.remarks) messages_.emplace_back(line);
    return checked;
}

Result<void> Verification::read(image::SignatureVerifier& verifier) {
    const auto update = [&verifier](std::span<const std::byte> block) { return verifier.update(block); };
    bytes_ = TRY(read_image(context_, options_.file, update));
    return verifier.finish();
}

Result<void> Verification::judge() {
    if (image::presence_of(image_) == Presence::Some) {
        const auto missing = image::read_claim(image_, options_.rules);
        return refusal(fmt::format("Image signature metadata for image {} is incomplete.", name_), missing.error());
    }
    auto made = verifier();
    if (!made) return refusal("Failed to get verifier for image: " + name_, made.error());
    if (options_.checks_chain) {
        const Result<void> trusted = check_chain();
        if (!trusted) {
            return refusal("Image signature certificate validation failed for certificate: " + certificate_name(),
                           trusted.error());
        }
        messages_.emplace_back("Image signature certificate validation succeeded for certificate: " +
                               certificate_name());
        chain_checked_ = true;
    } else {
        messages_.emplace_back(
            "Certificate validation was not performed. A list of trusted image certificate IDs must be provided in "
            "order to validate an image certificate.");
    }
    if (const Result<void> matches = read(*made); !matches) {
        messages_.emplace_back("Image signature verification failed for image " + name_);
        return refusal("Image signature verification failed for image: " + name_, matches.error());
    }
    messages_.emplace_back("Image signature verification succeeded for image " + name_);
    messages_.emplace_back("Image signature verification succeeded for image: " + name_);
    return {};
}

json::value text_or_null(const std::optional<std::string>& text) {
    return text ? json::value(*text) : json::value(nullptr);
}

json::value Verification::fingerprint() const {
    if (!signer_) return nullptr;
    const auto fingerprint = signer_->fingerprint();
    return fingerprint ? json::value(*fingerprint) : json::value(nullptr);
}

Record Verification::record(const Result<void>& judged) const {
    const bool is_signed = image::presence_of(image_) != Presence::None;
    const bool verified = is_signed && judged;
    return Record{{"image", name_},
                  // As Cinder writes it into volume_image_metadata.
                  {"signature_verified", verified ? "True" : "False"},
                  {"result", verified    ? "verified"
                             : is_signed ? "refused"
                                         : "unsigned"},
                  {"reason", judged ? json::value(nullptr) : json::value(judged.error().message)},
                  {"rules", options_.rules == Rules::Strict ? "strict" : "cursive"},
                  {"key_type", text_or_null(image_.key_type)},
                  {"hash_method", text_or_null(image_.hash_method)},
                  {"certificate", text_or_null(image_.certificate_uuid)},
                  {"certificate_subject", signer_ ? json::value(signer_->subject()) : json::value(nullptr)},
                  {"certificate_sha256", fingerprint()},
                  {"certificate_validated", chain_checked_},
                  {"bytes", bytes_},
                  {"time", to_iso8601(now_) + "Z"},
                  {"messages", messages_}};
}

/// One line of JSON behind those that are there, durable: the record of what was judged.
Result<void> append_record(const std::string& path, const Record& record) {
    const std::string line = json::serialize(record) + "\n";
    const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    const bool written =
        file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(file) == 0;
    const int why = errno;
    if (file >= 0) ::close(file);
    if (!written) return Error{Code::Io, fmt::format("cannot append to {}: {}", path, std::strerror(why)), {}};
    return {};
}

/// The image was not judged at all: a file or this machine failed.
bool is_no_judgement(const Error& error) {
    return error.code == Code::Io || error.code == Code::Internal || error.code == Code::Overloaded;
}

Result<void> verify(CliContext& context, const VerifyOptions& options) {
    if (options.properties == "-" && options.file == "-") {
        return wrong_usage(context, "standard input cannot be both the image and its properties");
    }
    const Bytes text = TRY(read_small_file(context, options.properties));
    image::ImageProperties properties = TRY(image::parse_image_properties(text_of(text)));
    const bool unsigned_image = image::presence_of(properties) == Presence::None;
    Verification verification(context, options, std::move(properties));
    const Result<void> judged = unsigned_image ? Result<void>() : verification.judge();
    if (!judged && is_no_judgement(judged.error())) return judged;

    const Record record = verification.record(judged);
    if (!options.record_file.empty()) TRY(append_record(options.record_file, record));
    TRY(print_record(context, record));
    if (unsigned_image) {
        context.exit_status = ExitStatus::Partly;
        remark(context, "the image is unsigned: it has none of the four img_signature properties");
    }
    return judged;
}

}  // namespace

void add_image_verify(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VerifyOptions>();
    CLI::App& verb =
        add_verb(noun, context,
                 {"verify", "Judge an image by its signature: status 0 verified, 1 refused, 3 unsigned",
                  "sallyport image verify cirros.img --properties props.json --certificate-file signer.pem"});
    verb.add_option("FILE", options->file, "The image as Glance stores it (-: standard input)")->required();
    verb.add_option("--properties", options->properties,
                    "The image's properties in JSON: `openstack image show -f json` (-: standard input)")
        ->required()
        ->type_name("FILE");
    verb.add_option("--certificate-file", options->certificate_file,
                    "The signer's certificate, PEM or DER, instead of the one that the key manager has under "
                    "img_signature_certificate_uuid; needs no agent")
        ->type_name("FILE");
    CLI::Option* const trusted =
        verb.add_option("--trusted", options->trusted,
                        "Certificates to trust, as files or ids in the key manager: the signer's has to be one of "
                        "them or certified by them")
            ->type_name("FILE|ID")
            ->expected(0, -1);
    verb.add_option("--record", options->record_file, "Append the result to this file too, as a line of JSON")
        ->type_name("FILE");
    add_compat_option(verb, options->rules);
    set_action(verb, context, [options, trusted, &context] {
        options->checks_chain = trusted->count() > 0;
        std::erase(options->trusted, "");  // what the parser makes of --trusted alone: nobody is trusted
        return verify(context, *options);
    });
}

}  // namespace sallyport::cli
