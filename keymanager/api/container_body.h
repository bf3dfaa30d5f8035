#pragma once

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

#include "keymanager/api/rejection.h"
#include "keymanager/core/containers.h"

namespace sallyport::api {

/// What POST /v1/containers asks for. Refs must begin with `base_url`.
/// Rejection: 400, in Barbican's order of checks.
Checked<core::NewContainer> parse_container_body(const boost::json::value& body, std::string_view base_url);

/// What the bodies of /v1/containers/{id}/secrets name.
struct MemberBody {
    model::ContainerSecret member;
    std::string ref;  ///< as it was given
};
Checked<MemberBody> parse_member_body(const boost::json::value& body);

}  // namespace sallyport::api
