#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "integrations/image/certificate_chain.h"
#include "integrations/image/cursive_chain.h"
#include "integrations/image/signature.h"
#include "integrations/image/signature_properties.h"

using namespace sallyport;

namespace {

// Within the dates of the certificates in the corpus.
const Timestamp Now = *parse_iso8601("2026-11-22T00:00:00");

void judge(const image::ImageProperties& properties, const image::Certificate& certificate, image::Rules rules) {
    auto claim = image::read_claim(properties, rules);
    if (!claim) return;
    auto verifier = image::SignatureVerifier::create(*std::move(claim), certificate, rules, Now);
    if (!verifier) return;
    (void)verifier->update(bytes_of("an image"));
    (void)verifier->finish();
}

}  // namespace

// The properties in JSON, a zero byte, and certificates: the signer's, which is trusted with the others.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t end = std::min(input.find('\0'), input.size());
    const auto properties = image::parse_image_properties(input.substr(0, end));
    auto certificates = image::Certificate::parse_all(bytes_of(input.substr(std::min(end + 1, input.size()))));
    if (!certificates) return 0;

    const image::Certificate& signer = certificates->front();
    (void)signer.subject();
    (void)signer.fingerprint();
    if (properties) {
        judge(*properties, signer, image::Rules::Strict);
        judge(*properties, signer, image::Rules::Cursive);
    }
    const auto again = image::Certificate::parse(signer.der());
    if (!again) return 0;
    std::vector<image::TrustedCertificate> trusted;
    for (image::Certificate& each : *certificates) trusted.push_back({"one of them", std::move(each)});
    std::vector<std::string> remarks;
    (void)image::check_chain(*again, trusted, Now);
    (void)image::check_chain_as_cursive(*again, trusted, Now, remarks);
    return 0;
}
