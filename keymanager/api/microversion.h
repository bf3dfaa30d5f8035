#pragma once

#include <string>
#include <variant>

#include "keymanager/api/http_message.h"

namespace sallyport::api {

/// The API's minor version that a request asks for: 1.0 to 1.1.
struct Microversion {
    int minor = 0;

    std::string text() const { return "1." + std::to_string(minor); }
    bool shows_consumers() const { return minor >= 1; }
};

/// Why a version is not served: 400 for what is no version, 406 for one that there is not.
struct VersionProblem {
    int status;
    std::string explanation;
};

/// From OpenStack-API-Version: the last entry for key-manager counts; none means 1.0.
std::variant<Microversion, VersionProblem> microversion_of(const Request& request);

}  // namespace sallyport::api
