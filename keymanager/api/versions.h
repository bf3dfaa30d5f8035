#pragma once

#include "keymanager/api/http_message.h"
#include "keymanager/api/microversion.h"
#include "keymanager/api/router.h"

namespace sallyport::api {

/// What needs no token: the versions at "/", /healthcheck, and the pages that say no.
Response serve_public(const Request& request, const RouterConfig& config);
/// True for every path but /v1 and below.
bool is_public_path(const Request& request);

/// The plain-text page for a version that is not served.
Response version_problem_page(const VersionProblem& problem);
void add_version_headers(Response& response, Microversion version);

}  // namespace sallyport::api
