#pragma once

#include <string>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/container.h"
#include "keymanager/model/secret.h"

namespace sallyport::core {

struct Context;

/// Who uses a secret or a container: notes that services leave, so that nobody deletes what is in use.
class Consumers {
public:
    explicit Consumers(const Context& context) : context_(context) {}

    Result<model::PageOf<model::SecretConsumer>> list(const Caller& caller, const SecretId& id,
                                                      const model::Page& page) const;
    Result<model::PageOf<model::ContainerConsumer>> list(const Caller& caller, const ContainerId& id,
                                                         const model::Page& page) const;
    /// By the id of the consumer itself. Error: `NotFound`.
    Result<model::SecretConsumer> describe(const Caller& caller, const SecretId& id, const std::string& row) const;
    Result<model::ContainerConsumer> describe(const Caller& caller, const ContainerId& id,
                                              const std::string& row) const;

    /// Registers one for the caller's project; one that is registered already stays as it is. The object with all its
    /// consumers. Error: `OverQuota`, even for one that is registered already.
    Result<model::Secret> add(const Caller& caller, const SecretId& id, model::SecretConsumer consumer) const;
    Result<model::Container> add(const Caller& caller, const ContainerId& id, model::ContainerConsumer consumer) const;
    /// The object with the consumers that are left. Error: `NotFound`; `Refused` unless the caller's project owns the
    /// consumer or the object.
    Result<model::Secret> remove(const Caller& caller, const SecretId& id, const model::SecretConsumer& consumer) const;
    Result<model::Container> remove(const Caller& caller, const ContainerId& id,
                                    const model::ContainerConsumer& consumer) const;

    /// The secrets that a resource ("volume", its id) uses, whichever service registered it: those of them whose
    /// consumers the caller may see, the latest registration first.
    Result<std::vector<SecretId>> secrets_used_by(const Caller& caller, const std::string& resource_type,
                                                  const std::string& resource_id) const;

private:
    const Context& context_;
};

}  // namespace sallyport::core
