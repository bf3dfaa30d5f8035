#pragma once

#include <optional>
#include <string>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/secret.h"
#include "keymanager/model/transport_key.h"

namespace sallyport::core {

struct Context;

/// Transport keys, which the service's administrators keep for plug-ins of Barbican's. Our stores use none.
class TransportKeys {
public:
    explicit TransportKeys(const Context& context) : context_(context) {}

    Result<TransportKeyId> create(const Caller& caller, std::string plugin_name, std::string pem) const;
    Result<model::TransportKey> find(const Caller& caller, const TransportKeyId& id) const;
    Result<model::PageOf<TransportKeyId>> list(const Caller& caller, const std::optional<std::string>& plugin_name,
                                               const model::Page& page) const;
    Result<void> remove(const Caller& caller, const TransportKeyId& id) const;

private:
    const Context& context_;
};

}  // namespace sallyport::core
