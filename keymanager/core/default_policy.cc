#include "keymanager/core/default_policy.h"

namespace sallyport::core {
namespace {

// Barbican 15.0.1's registered rules: names and checks, as tests/vectors/policy/defaults.json records them from the
// installed package. The third column is what holds unless enforce_new_defaults is set; an empty one: the same.
// clang-format off
constexpr DefaultRule Rules[] = {
    {"system_reader",
     "role:reader and system_scope:all",
     ""},
    {"system_admin",
     "role:admin and system_scope:all",
     ""},
    {"secret_project_match",
     "project_id:%(target.secret.project_id)s",
     ""},
    {"secret_project_reader",
     "role:reader and rule:secret_project_match",
     ""},
    {"secret_project_member",
     "role:member and rule:secret_project_match",
     ""},
    {"secret_project_admin",
     "role:admin and rule:secret_project_match",
     ""},
    {"secret_owner",
     "user_id:%(target.secret.creator_id)s",
     ""},
    {"secret_is_not_private",
     "True:%(target.secret.read_project_access)s",
     ""},
    {"secret_acl_read",
     "'read':%(target.secret.read)s",
     ""},
    {"container_project_match",
     "project_id:%(target.container.project_id)s",
     ""},
    {"container_project_member",
     "role:member and rule:container_project_match",
     ""},
    {"container_project_admin",
     "role:admin and rule:container_project_match",
     ""},
    {"container_owner",
     "user_id:%(target.container.creator_id)s",
     ""},
    {"container_is_not_private",
     "True:%(target.container.read_project_access)s",
     ""},
    {"container_acl_read",
     "'read':%(target.container.read)s",
     ""},
    {"order_project_match",
     "project_id:%(target.order.project_id)s",
     ""},
    {"order_project_member",
     "role:member and rule:order_project_match",
     ""},
    {"audit",
     "role:audit",
     ""},
    {"observer",
     "role:observer",
     ""},
    {"creator",
     "role:creator",
     ""},
    {"admin",
     "role:admin",
     ""},
    {"service_admin",
     "role:key-manager:service-admin",
     ""},
    {"all_users",
     "rule:admin or rule:observer or rule:creator or rule:audit or rule:service_admin",
     ""},
    {"all_but_audit",
     "rule:admin or rule:observer or rule:creator",
     ""},
    {"admin_or_creator",
     "rule:admin or rule:creator",
     ""},
    {"secret_creator_user",
     "user_id:%(target.secret.creator_id)s",
     ""},
    {"secret_private_read",
     "'False':%(target.secret.read_project_access)s",
     ""},
    {"secret_non_private_read",
     "rule:all_users and rule:secret_project_match and not rule:secret_private_read",
     ""},
    {"secret_decrypt_non_private_read",
     "rule:all_but_audit and rule:secret_project_match and not rule:secret_private_read",
     ""},
    {"secret_project_creator",
     "rule:creator and rule:secret_project_match and rule:secret_creator_user",
     ""},
    {"secret_project_creator_role",
     "rule:creator and rule:secret_project_match",
     ""},
    {"container_private_read",
     "'False':%(target.container.read_project_access)s",
     ""},
    {"container_creator_user",
     "user_id:%(target.container.creator_id)s",
     ""},
    {"container_non_private_read",
     "rule:all_users and rule:container_project_match and not rule:container_private_read",
     ""},
    {"container_project_creator",
     "rule:creator and rule:container_project_match and rule:container_creator_user",
     ""},
    {"container_project_creator_role",
     "rule:creator and rule:container_project_match",
     ""},
    {"secret_acls:get",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private))",
     "rule:all_but_audit and rule:secret_project_match"},
    {"secret_acls:delete",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private))",
     "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and "
     "rule:secret_non_private_read)"},
    {"secret_acls:put_patch",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private))",
     "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and "
     "rule:secret_non_private_read)"},
    {"container_acls:get",
     "True:%(enforce_new_defaults)s and (rule:container_project_admin or (rule:container_project_member and "
     "rule:container_owner) or (rule:container_project_member and  rule:container_is_not_private))",
     "rule:all_but_audit and rule:container_project_match"},
    {"container_acls:delete",
     "True:%(enforce_new_defaults)s and (rule:container_project_admin or (rule:container_project_member and "
     "rule:container_owner) or (rule:container_project_member and  rule:container_is_not_private))",
     "rule:container_project_admin or rule:container_project_creator or (rule:container_project_creator_role and "
     "rule:container_non_private_read)"},
    {"container_acls:put_patch",
     "True:%(enforce_new_defaults)s and (rule:container_project_admin or (rule:container_project_member and "
     "rule:container_owner) or (rule:container_project_member and  rule:container_is_not_private))",
     "rule:container_project_admin or rule:container_project_creator or (rule:container_project_creator_role and "
     "rule:container_non_private_read)"},
    {"consumer:get",
     "True:%(enforce_new_defaults)s and (rule:system_admin or rule:container_project_admin or "
     "(rule:container_project_member and rule:container_owner) or (rule:container_project_member and  "
     "rule:container_is_not_private) or rule:container_acl_read)",
     "rule:admin or rule:observer or rule:creator or rule:audit or rule:container_non_private_read or "
     "rule:container_project_creator or rule:container_project_admin or rule:container_acl_read"},
    {"container_consumers:get",
     "True:%(enforce_new_defaults)s and (rule:system_admin or rule:container_project_admin or "
     "(rule:container_project_member and rule:container_owner) or (rule:container_project_member and  "
     "rule:container_is_not_private) or rule:container_acl_read)",
     "rule:container_non_private_read or rule:container_project_creator or rule:container_project_admin or "
     "rule:container_acl_read"},
    {"container_consumers:post",
     "True:%(enforce_new_defaults)s and (rule:system_admin or rule:container_project_admin or "
     "(rule:container_project_member and rule:container_owner) or (rule:container_project_member and  "
     "rule:container_is_not_private) or rule:container_acl_read)",
     "rule:container_non_private_read or rule:container_project_creator or rule:container_project_admin or "
     "rule:container_acl_read "},
    {"container_consumers:delete",
     "True:%(enforce_new_defaults)s and (rule:system_admin or rule:container_project_admin or "
     "(rule:container_project_member and rule:container_owner) or (rule:container_project_member and  "
     "rule:container_is_not_private) or rule:container_acl_read)",
     "rule:container_non_private_read or rule:container_project_creator or rule:container_project_admin or "
     "rule:container_acl_read "},
    {"secret_consumers:get",
     "True:%(enforce_new_defaults)s and (rule:system_admin or rule:secret_project_admin or "
     "(rule:secret_project_member and rule:secret_owner) or (rule:secret_project_member and "
     "rule:secret_is_not_private) or rule:secret_acl_read)",
     "rule:secret_non_private_read or rule:secret_project_creator or rule:secret_project_admin or "
     "rule:secret_acl_read"},
    {"secret_consumers:post",
     "True:%(enforce_new_defaults)s and (rule:system_admin or rule:secret_project_admin or "
     "(rule:secret_project_member and rule:secret_owner) or (rule:secret_project_member and "
     "rule:secret_is_not_private) or rule:secret_acl_read)",
     "rule:secret_non_private_read or rule:secret_project_creator or rule:secret_project_admin or "
     "rule:secret_acl_read"},
    {"secret_consumers:delete",
     "True:%(enforce_new_defaults)s and (rule:system_admin or rule:secret_project_admin or "
     "(rule:secret_project_member and rule:secret_owner) or (rule:secret_project_member and "
     "rule:secret_is_not_private) or rule:secret_acl_read)",
     "rule:secret_non_private_read or rule:secret_project_creator or rule:secret_project_admin or "
     "rule:secret_acl_read"},
    {"containers:post",
     "True:%(enforce_new_defaults)s and role:member",
     "rule:admin_or_creator"},
    {"containers:get",
     "True:%(enforce_new_defaults)s and role:member",
     "rule:all_but_audit"},
    {"container:get",
     "True:%(enforce_new_defaults)s and (rule:container_project_admin or (rule:container_project_member and "
     "rule:container_owner) or (rule:container_project_member and  rule:container_is_not_private) or "
     "rule:container_acl_read)",
     "rule:container_non_private_read or rule:container_project_creator or rule:container_project_admin or "
     "rule:container_acl_read"},
    {"container:delete",
     "True:%(enforce_new_defaults)s and (rule:container_project_admin or (rule:container_project_member and "
     "rule:container_owner) or (rule:container_project_member and  rule:container_is_not_private))",
     "rule:container_project_admin or rule:container_project_creator"},
    {"container_secret:post",
     "True:%(enforce_new_defaults)s and (rule:container_project_admin or (rule:container_project_member and "
     "rule:container_owner) or (rule:container_project_member and  rule:container_is_not_private))",
     "rule:container_project_admin or rule:container_project_creator or rule:container_project_creator_role and "
     "rule:container_non_private_read"},
    {"container_secret:delete",
     "True:%(enforce_new_defaults)s and (rule:container_project_admin or (rule:container_project_member and "
     "rule:container_owner) or (rule:container_project_member and  rule:container_is_not_private))",
     "rule:container_project_admin or rule:container_project_creator or rule:container_project_creator_role and "
     "rule:container_non_private_read"},
    {"orders:get",
     "True:%(enforce_new_defaults)s and role:member",
     "rule:all_but_audit"},
    {"orders:post",
     "True:%(enforce_new_defaults)s and role:member",
     "rule:admin_or_creator"},
    {"orders:put",
     "True:%(enforce_new_defaults)s and role:member",
     "rule:admin_or_creator"},
    {"order:get",
     "True:%(enforce_new_defaults)s and rule:order_project_member",
     "rule:all_users and project_id:%(target.order.project_id)s"},
    {"order:delete",
     "True:%(enforce_new_defaults)s and rule:order_project_member",
     "rule:admin and project_id:%(target.order.project_id)s"},
    {"quotas:get",
     "True:%(enforce_new_defaults)s and role:reader",
     "rule:all_users"},
    {"project_quotas:get",
     "True:%(enforce_new_defaults)s and rule:system_reader",
     "rule:service_admin"},
    {"project_quotas:put",
     "True:%(enforce_new_defaults)s and rule:system_admin",
     "rule:service_admin"},
    {"project_quotas:delete",
     "True:%(enforce_new_defaults)s and rule:system_admin",
     "rule:service_admin"},
    {"secret_meta:get",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private) or rule:secret_acl_read)",
     "rule:secret_non_private_read or rule:secret_project_creator or rule:secret_project_admin or "
     "rule:secret_acl_read"},
    {"secret_meta:post",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private))",
     "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and "
     "rule:secret_non_private_read)"},
    {"secret_meta:put",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private))",
     "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and "
     "rule:secret_non_private_read)"},
    {"secret_meta:delete",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private))",
     "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and "
     "rule:secret_non_private_read)"},
    {"secret:decrypt",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private) or rule:secret_acl_read)",
     "rule:secret_decrypt_non_private_read or rule:secret_project_creator or rule:secret_project_admin or "
     "rule:secret_acl_read"},
    {"secret:get",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private) or rule:secret_acl_read)",
     "rule:secret_non_private_read or rule:secret_project_creator or rule:secret_project_admin or "
     "rule:secret_acl_read"},
    {"secret:put",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private))",
     "rule:admin_or_creator and rule:secret_project_match"},
    {"secret:delete",
     "True:%(enforce_new_defaults)s and (rule:secret_project_admin or (rule:secret_project_member and "
     "rule:secret_owner) or (rule:secret_project_member and rule:secret_is_not_private))",
     "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and not "
     "rule:secret_private_read)"},
    {"secrets:post",
     "True:%(enforce_new_defaults)s and role:member",
     "rule:admin_or_creator"},
    {"secrets:get",
     "True:%(enforce_new_defaults)s and role:member",
     "rule:all_but_audit"},
    {"secretstores:get",
     "True:%(enforce_new_defaults)s and role:reader",
     "rule:all_users"},
    {"secretstores:get_global_default",
     "True:%(enforce_new_defaults)s and role:reader",
     "rule:all_users"},
    {"secretstores:get_preferred",
     "True:%(enforce_new_defaults)s and role:reader",
     "rule:all_users"},
    {"secretstore_preferred:post",
     "True:%(enforce_new_defaults)s and role:admin",
     "rule:admin"},
    {"secretstore_preferred:delete",
     "True:%(enforce_new_defaults)s and role:admin",
     "rule:admin"},
    {"secretstore:get",
     "True:%(enforce_new_defaults)s and role:reader",
     "rule:all_users"},
    {"transport_key:get",
     "True:%(enforce_new_defaults)s and role:reader",
     "rule:all_users"},
    {"transport_key:delete",
     "True:%(enforce_new_defaults)s and rule:system_admin",
     "rule:service_admin"},
    {"transport_keys:get",
     "True:%(enforce_new_defaults)s and role:reader",
     "rule:all_users"},
    {"transport_keys:post",
     "True:%(enforce_new_defaults)s and rule:system_admin",
     "rule:service_admin"},
};
// clang-format on

}  // namespace

std::span<const DefaultRule> default_policy() { return Rules; }

}  // namespace sallyport::core
