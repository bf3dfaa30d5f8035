#pragma once

#include <boost/json/value.hpp>

#include "keymanager/api/rejection.h"
#include "keymanager/api/secret_body.h"
#include "keymanager/core/key_manager.h"

namespace sallyport::api {

/// What POST /v1/orders asks for. Completes the meta as Barbican does (name and expiration are always there), and takes
/// the passphrase out of it.
/// Rejection: 400 and 413.
Checked<core::OrderRequest> parse_order_body(boost::json::value& body, const SecretBodyRules& rules);

}  // namespace sallyport::api
