#pragma once

#include <string>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"

namespace sallyport::model {

/// A row of transport_keys: a public key that clients of some plug-ins of Barbican's wrap a session key with. None of
/// our stores uses one; they are kept and shown.
struct TransportKey {
    TransportKeyId id;
    std::string plugin_name;
    std::string pem;  ///< or whatever the plug-in takes
    Timestamp created{};
    Timestamp updated{};
};

}  // namespace sallyport::model
