#pragma once

#include <string_view>
#include <vector>

#include "keymanager/api/http_message.h"
#include "keymanager/api/rejection.h"

namespace sallyport::api {

/// `json` may hold secrets if its memory is the arena's; the body is a copy there in any case.
Response json_response(int status, std::string_view json, std::vector<Header> headers = {});
Response text_response(int status, std::string_view text, std::vector<Header> headers = {});
Response empty_response(int status);
/// {"code", "title", "description"}
Response rejection_response(Rejection rejection);

std::string_view title_of(int status);

}  // namespace sallyport::api
