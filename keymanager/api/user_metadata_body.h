#pragma once

#include <boost/json/value.hpp>

#include "keymanager/api/rejection.h"
#include "keymanager/core/user_metadata.h"

namespace sallyport::api {

/// What PUT /v1/secrets/{id}/metadata brings: {"metadata": {...}}, its keys in lower case.
/// Rejection: 400.
Checked<model::UserMetadata> parse_user_metadata(const boost::json::value& body);
/// What names one key: {"key": ..., "value": ...}. Rejection: 400.
Checked<core::UserMetadata::Entry> parse_user_metadatum(const boost::json::value& body);

}  // namespace sallyport::api
