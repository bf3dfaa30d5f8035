#pragma once

#include <map>
#include <string>

namespace sallyport::model {

/// What users note about a secret: keys and values.
using UserMetadata = std::map<std::string, std::string>;

}  // namespace sallyport::model
