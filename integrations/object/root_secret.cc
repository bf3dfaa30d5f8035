#include "integrations/object/root_secret.h"

#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/crypto/digest.h"

namespace sallyport::object {
namespace {

constexpr std::size_t ShortestSecret = 32;

std::string described(const std::string& id) { return id.empty() ? "the root secret with no id" : "root secret " + id; }

}  // namespace

Result<RootSecrets> RootSecrets::create(std::vector<Entry> entries, std::string active, MetaVersion version_to_write) {
    RootSecrets secrets;
    for (Entry& entry : entries) {
        if (entry.secret.size() < ShortestSecret) {
            return Error{Code::InvalidInput, described(entry.id) + " has under 32 bytes", {}};
        }
        if (secrets.secrets_.contains(entry.id)) {
            return Error{Code::InvalidInput, described(entry.id) + " is given twice", {}};
        }
        secrets.secrets_.emplace(std::move(entry.id), std::move(entry.secret));
    }
    if (!secrets.secrets_.contains(active)) {
        return Error{
            Code::InvalidInput, "active_root_secret: " + described(active) + " is not among the root secrets", {}};
    }
    secrets.active_ = std::move(active);
    secrets.version_to_write_ = version_to_write;
    return secrets;
}

const SecureBytes* RootSecrets::find(const std::string& id) const {
    const auto found = secrets_.find(id);
    return found == secrets_.end() ? nullptr : &found->second;
}

Result<SecureBytes> RootSecrets::derive(const std::string& secret_id, std::string_view path) const {
    const SecureBytes* root = find(secret_id);
    if (root == nullptr) return Error{Code::NotFound, "unknown root secret id", secret_id};
    return crypto::hmac_sha256_secret(root->reveal(), bytes_of(path));
}

std::vector<std::string> RootSecrets::ids() const {
    std::vector<std::string> all{active_};
    for (const auto& [id, secret] : secrets_) {
        if (id != active_) all.push_back(id);
    }
    return all;
}

}  // namespace sallyport::object
