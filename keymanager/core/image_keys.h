#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/image.h"
#include "keymanager/model/secret.h"

namespace sallyport::core {

struct Context;

/// What the key manager remembers of images whose keys go with them, and the one way in which such a key is deleted.
/// The memory is the agent's own, so only remove() asks the policy.
///
/// Thread-safe. Calls block; what they changed is durable when they return, and any number of agents share it.
class ImageKeys {
public:
    explicit ImageKeys(const Context& context) : context_(context) {}

    /// The image is there and names this key. One that is due stays due.
    Result<void> note_seen(const model::ImageKey& image) const;
    /// The image was asked for and is there, whatever was said: due no longer.
    Result<void> note_found(const model::ImageKey& image) const;
    /// The image is said to be gone: due from now on, whatever was known of it.
    Result<void> make_due(const model::ImageKey& image) const;
    /// An attempt came to nothing: again after `wait`.
    Result<void> put_off(const model::ImageKeyRecord& record, const std::string& note, std::chrono::seconds wait) const;
    Result<void> forget(const std::string& image) const;

    Result<std::vector<model::ImageKeyRecord>> due(int most) const;
    /// Behind `after`, by the image's id.
    Result<std::vector<model::ImageKeyRecord>> list(const std::string& after, int most) const;
    /// Images that services have registered as consumers of secrets; `offset` of them are left out.
    Result<std::vector<model::ImageConsumer>> consumers(int offset, int most) const;
    /// The secret with its consumers, whosever it is; nothing if there is none (any more).
    Result<std::optional<model::Secret>> find(const SecretId& secret) const;

    /// Says whether the key may go; nullptr: there is none. May be asked again by a repeated transaction.
    using Judge = std::function<Result<void>(const model::Secret* key)>;
    /// Deletes (softly) the key of an image, and forgets the image, if `judge` has no objection: both in the
    /// transaction in which the key and its consumers are read, so nobody registers in between. Other images that are
    /// known to name the key count as its consumers, and so do volumes that are known to open with it. The image's own
    /// registration is no obstacle, whatever life_cycle.delete_with_consumers says. True if there was a key. Asks
    /// "secret:delete". Error: that of `judge`.
    Result<bool> remove(const Caller& caller, const model::ImageKey& image, const Judge& judge) const;

private:
    const Context& context_;
};

}  // namespace sallyport::core
