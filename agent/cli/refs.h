#pragma once

#include <string>
#include <string_view>

#include "agent/cli/output.h"
#include "keymanager/base/result.h"

namespace sallyport::cli {

/// The id in what an operator gives: the id itself, or a ref as the API shows it (".../v1/secrets/ID"), whose last part
/// it is. `what` is "secret" or "order". Error: `InvalidInput` if that is no UUID.
Result<std::string> id_of(const std::string& id_or_ref, std::string_view what);

/// One field of an answer for people: moved under the name that the `openstack` client gives it; null if it is absent.
void copy_field(Record& row, const std::string& column, const boost::json::object& answer, std::string_view member);

}  // namespace sallyport::cli
