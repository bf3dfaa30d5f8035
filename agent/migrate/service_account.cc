#include "agent/migrate/service_account.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

namespace sallyport::migrate {
namespace {

constexpr std::string_view Middleware = "keystone_authtoken";

/// The options of one section.
class Section {
public:
    Section(const migration::OsloConfig& config, std::string group) : config_(config), group_(std::move(group)) {}

    Result<std::string> optional(std::string_view name) const {
        return TRY(config_.text(group_, name))
        .value_or(std::string());
    }
    Result<std::string> required(std::string_view name) const {
        std::string value = TRY(optional(name));
        if (value.empty()) return missing(name);
        return value;
    }
    Result<SecureBytes> required_secret(std::string_view name) const {
        std::optional<SecureBytes> value = TRY(config_.secret(group_, name));
        if (!value || value->empty()) return missing(name);
        return *std::move(value);
    }
    /// By id or by name; without either, the domain that Keystone has from its birth.
    Result<auth::Domain> domain(std::string_view whose) const {
        const std::string id = TRY(optional(fmt::format("{}_domain_id", whose)));
        const std::string name = TRY(optional(fmt::format("{}_domain_name", whose)));
        if (id.empty() && name.empty()) return auth::Domain{{}, "default"};
        return auth::Domain{name, id};
    }

private:
    Error missing(std::string_view name) const {
        return {
            Code::InvalidInput,
            fmt::format("cinder.conf: [{}] {} is not set: the keys are stored with Cinder's own account", group_, name),
            {}};
    }

    const migration::OsloConfig& config_;
    const std::string group_;
};

std::string with_version(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    if (!url.ends_with("/v3")) url += "/v3";
    return url;
}

}  // namespace

Result<ServiceAccount> service_account(const migration::OsloConfig& cinder) {
    const std::string elsewhere = TRY(Section(cinder, std::string(Middleware)).optional("auth_section"));
    const Section section(cinder, elsewhere.empty() ? std::string(Middleware) : elsewhere);
    ServiceAccount account;
    account.keystone_url = with_version(TRY(section.required("auth_url")));
    account.keystone_ca = TRY(section.optional("cafile"));
    account.barbican_ca = TRY(Section(cinder, "barbican").optional("verify_ssl_path"));
    account.account.username = TRY(section.required("username"));
    account.account.user_domain = TRY(section.domain("user"));
    account.account.project = TRY(section.required("project_name"));
    account.account.project_domain = TRY(section.domain("project"));
    account.password = TRY(section.required_secret("password"));
    return account;
}

}  // namespace sallyport::migrate
