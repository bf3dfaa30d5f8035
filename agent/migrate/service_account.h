#pragma once

#include <string>

#include "agent/auth/keystone_client.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "migration/oslo_config.h"

namespace sallyport::migrate {

/// Who Cinder is to Keystone, and how Keystone and Barbican are trusted.
struct ServiceAccount {
    std::string keystone_url;  ///< with its version: "http://keystone:5000/v3"
    std::string keystone_ca;   ///< PEM file; empty: the system's
    std::string barbican_ca;
    auth::Account account;
    SecureBytes password;
};

/// From [keystone_authtoken] (or the section that its auth_section names) and [barbican] verify_ssl_path.
/// Error: `InvalidInput` naming what is missing.
Result<ServiceAccount> service_account(const migration::OsloConfig& cinder);

}  // namespace sallyport::migrate
