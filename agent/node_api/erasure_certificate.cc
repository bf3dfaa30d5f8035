#include "agent/node_api/erasure_certificate.h"

#include <boost/json.hpp>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "integrations/volume/new_file.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/digest.h"

namespace sallyport::node_api {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string first_line(const std::string& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

json::value or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

json::object statement_of(const volume::EraseReport& report, const EraseScene& scene) {
    const volume::ErasedVolume& volume = report.volume;
    json::array secrets;
    for (const volume::ErasedSecret& secret : report.secrets) {
        secrets.push_back({{"secret", secret.id.str()}, {"ciphertexts_removed", secret.ciphertexts}});
    }
    return {{"type", "certificate of media sanitisation"},
            {"standard", "NIST SP 800-88 Rev. 1"},
            {"method", "purge by cryptographic erase: the media encryption key's wrappings were destroyed"},
            {"tool", scene.program},
            {"what",
             {{"device", report.device},
              {"kind", report.identity.kind},
              {"model", or_null(report.identity.model)},
              {"serial", or_null(report.identity.serial)},
              {"wwid", or_null(report.identity.wwid)},
              {"size", volume.size},
              {"volume_uuid", volume.uuid},
              {"encryption", std::string(volume::text_of(volume.version))},
              {"cipher", volume.cipher},
              {"key_bits", volume.key_bits}}},
            {"destroyed",
             {{"key_slots", json::array(volume.key_slots.begin(), volume.key_slots.end())},
              {"header_bytes", volume.header_end},
              {"passes", json::array{"random", "zeros"}},
              {"header_copies", report.header_copies},
              {"secrets", std::move(secrets)},
              {"cached", json::array(report.cached.begin(), report.cached.end())}}},
            {"verification", json::array(report.verified.begin(), report.verified.end())},
            {"result", "erased"},
            {"continued", report.continued},
            {"where", {{"host", scene.host}, {"machine_id", or_null(first_line("/etc/machine-id"))}}},
            {"by", scene.by},
            {"begun", to_iso8601(volume.begun) + "Z"},
            {"finished", to_iso8601(report.finished) + "Z"}};
}

Error not_a_certificate() { return {Code::InvalidInput, "this is no certificate of an erasure", {}}; }

std::optional<std::string> text_at(const json::object& object, std::string_view member) {
    const json::value* value = object.if_contains(member);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->get_string());
}

Result<void> write_whole(volume::NewFile& file, const std::string& text) {
    TRY(file.file().write(0, bytes_of(text)));
    return file.publish();
}

}  // namespace

Result<json::object> certificate_of(const volume::EraseReport& report, const EraseScene& scene,
                                    const crypto::SigningKey& key) {
    json::object statement = statement_of(report, scene);
    const Bytes signature = TRY(key.sign(bytes_of(json::serialize(statement))));
    return json::object{
        {"certificate", std::move(statement)},
        {"signature", {{"algorithm", "Ed25519"}, {"public_key", key.public_key()}, {"value", to_base64(signature)}}}};
}

Result<json::object> verified_certificate(const std::string& text, const std::optional<std::string>& public_key) {
    json::error_code failed;
    const json::value parsed = json::parse(text, failed);
    if (failed || !parsed.is_object()) return not_a_certificate();
    const json::value* statement = parsed.get_object().if_contains("certificate");
    const json::value* seal = parsed.get_object().if_contains("signature");
    if (statement == nullptr || !statement->is_object() || seal == nullptr || !seal->is_object()) {
        return not_a_certificate();
    }
    const auto value = text_at(seal->get_object(), "value");
    const auto carried = text_at(seal->get_object(), "public_key");
    if (!value || !carried || text_at(seal->get_object(), "algorithm") != "Ed25519") return not_a_certificate();
    const std::string signer = TRY(fingerprint_of(*carried));
    if (public_key && TRY(fingerprint_of(*public_key)) != signer) {
        return Error{Code::WrongKey, "the certificate is signed by another key, " + signer, {}};
    }
    const auto signature = from_base64(*value);
    if (!signature) return not_a_certificate();
    TRY(crypto::verify_signature(*carried, bytes_of(json::serialize(*statement)), *signature));
    json::object verified = statement->get_object();
    verified["signed_by"] = signer;
    return verified;
}

Result<std::string> fingerprint_of(const std::string& public_key) {
    std::string base64;
    std::istringstream lines(public_key);
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line.front() != '-') base64 += line;
    }
    const auto der = from_base64(base64);
    if (!der || der->empty()) return Error{Code::InvalidInput, "this is no public key in PEM", {}};
    std::string digest = to_base64(TRY(crypto::sha256(*der)));
    while (digest.ends_with('=')) digest.pop_back();
    return "SHA256:" + digest;
}

Result<CertificateFolder> CertificateFolder::open(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        return Error{Code::Io, "cannot make the folder of certificates " + path + ": " + std::strerror(errno), {}};
    }
    crypto::SigningKey key = TRY(crypto::SigningKey::open_or_make(path + "/signing.key"));
    // For whoever verifies; the certificates carry it too.
    std::ofstream(path + "/signing.pub") << key.public_key();
    return CertificateFolder(path, std::move(key));
}

Result<std::string> CertificateFolder::write(const std::string& uuid, const json::object& certificate) const {
    const std::string text = json::serialize(certificate) + "\n";
    for (int number = 1;; ++number) {
        const std::string path = path_ + "/" + uuid + (number == 1 ? "" : "-" + std::to_string(number)) + ".json";
        auto file = volume::NewFile::create(path, false);
        const auto named = file ? write_whole(*file, text) : Result<void>(file.error());
        if (named) return path;
        // One of that name is there, or came meanwhile.
        if (named.error().code != Code::Refused) return named.error();
    }
}

}  // namespace sallyport::node_api
