#pragma once

#include <string>

#include "keymanager/api/http_message.h"

namespace sallyport::api {

/// What oslo.middleware's healthcheck answers with its check disable_by_file: 503 while `disable_file` exists, so that
/// a load balancer can be told to go elsewhere. As text, HTML or JSON, by Accept. An empty name: never disabled.
Response healthcheck(const Request& request, const std::string& disable_file);

}  // namespace sallyport::api
