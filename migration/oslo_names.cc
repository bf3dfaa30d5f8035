#include "migration/oslo_names.h"

#include <array>

namespace sallyport::migration {
namespace {

struct Deprecated {
    OptionName current;
    OptionName old;
};

// Of the options that a migration reads: cinder/keymgr/conf_key_mgr.py, castellan/key_manager/, oslo_db/options.py,
// keystoneauth1/loading (which lists the spelling with '-' before that with '_'). Groups in lower case, as they are
// compared.
constexpr std::array Deprecations{
    Deprecated{{"key_manager", "fixed_key"}, {"keymgr", "fixed_key"}},
    Deprecated{{"key_manager", "backend"}, {"key_manager", "api_class"}},
    Deprecated{{"barbican", "auth_endpoint"}, {"key_manager", "auth_url"}},
    Deprecated{{"database", "connection"}, {"DEFAULT", "sql_connection"}},
    Deprecated{{"database", "connection"}, {"database", "sql_connection"}},
    Deprecated{{"database", "connection"}, {"sql", "connection"}},
    Deprecated{{"keystone_authtoken", "username"}, {"keystone_authtoken", "user-name"}},
    Deprecated{{"keystone_authtoken", "username"}, {"keystone_authtoken", "user_name"}},
    Deprecated{{"keystone_authtoken", "project_name"}, {"keystone_authtoken", "tenant-name"}},
    Deprecated{{"keystone_authtoken", "project_name"}, {"keystone_authtoken", "tenant_name"}},
    Deprecated{{"keystone_authtoken", "project_id"}, {"keystone_authtoken", "tenant-id"}},
    Deprecated{{"keystone_authtoken", "project_id"}, {"keystone_authtoken", "tenant_id"}},
};

struct Default {
    OptionName option;
    std::string_view value;
};

// cinder/common/config.py: what connection strings of SQLite refer to.
constexpr std::array Defaults{Default{{"DEFAULT", "state_path"}, "/var/lib/cinder"}};

bool same(const OptionName& a, std::string_view group, std::string_view name) {
    return a.group == group && a.name == name;
}

}  // namespace

std::vector<OptionName> places_of_option(std::string_view group, std::string_view name) {
    std::vector<OptionName> places{{group, name}};
    for (const Deprecated& entry : Deprecations) {
        if (same(entry.current, group, name)) places.push_back(entry.old);
    }
    return places;
}

std::string_view default_of_option(std::string_view group, std::string_view name) {
    for (const Default& entry : Defaults) {
        if (same(entry.option, group, name)) return entry.value;
    }
    return {};
}

}  // namespace sallyport::migration
