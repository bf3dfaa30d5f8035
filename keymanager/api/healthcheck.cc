#include "keymanager/api/healthcheck.h"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "keymanager/api/media_type.h"
#include "keymanager/api/response.h"

namespace sallyport::api {
namespace {

bool exists(const std::string& file) {
    std::error_code error;
    return !file.empty() && std::filesystem::exists(file, error);
}

std::string page_of(std::string_view reason) {
    return "<HTML>\n<HEAD><TITLE>Healthcheck Status</TITLE></HEAD>\n<BODY>\n\n<H2>Result of 1 checks:</H2>\n"
           "<TABLE bgcolor=\"#ffffff\" border=\"1\">\n<TBODY>\n<TR>\n\n<TH>\nReason\n</TH>\n</TR>\n<TR>\n\n    <TD>" +
           std::string(reason) + "</TD>\n\n</TR>\n</TBODY>\n</TABLE>\n<HR></HR>\n\n</BODY>\n</HTML>";
}

}  // namespace

Response healthcheck(const Request& request, const std::string& disable_file) {
    const bool disabled = exists(disable_file);
    const std::string_view reason = disabled ? "DISABLED BY FILE" : "OK";
    const int status = disabled ? 503 : 200;
    if (request.method == "HEAD") return text_response(disabled ? 503 : 204, "");
    // A client that likes none of these gets text: a checker is not to fail over a header.
    const std::string_view type = best_offer(request.header("Accept"), {"text/plain", "text/html", "application/json"});
    if (type == "text/html") {
        Response response = text_response(status, page_of(reason));
        response.headers.front().second = "text/html; charset=UTF-8";
        return response;
    }
    if (type == "application/json") {
        return json_response(status, "{\n    \"detailed\": false,\n    \"reasons\": [\n        \"" +
                                         std::string(reason) + "\"\n    ]\n}");
    }
    return text_response(status, reason);
}

}  // namespace sallyport::api
