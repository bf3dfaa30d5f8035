#pragma once

#include <cstddef>

#include "keymanager/base/result.h"
#include "keymanager/model/container.h"
#include "keymanager/model/secret.h"

namespace sallyport::db {
class Session;
}  // namespace sallyport::db

namespace sallyport::core {

struct Context;

/// What became of a deletion that was done.
struct Deletion {
    std::size_t consumers = 0;  ///< that were registered and passed over; counted only with DeleteWithConsumers::Warn
};

/// The rule for an object with consumers, asked before it is deleted. Internal to keymanager/core.
/// Error: `Conflict` that names them.
Result<Deletion> heed_consumers(const Context& context, db::Session& session, const model::Secret& secret);
Result<Deletion> heed_consumers(const Context& context, db::Session& session, const model::Container& container);

}  // namespace sallyport::core
