#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "integrations/object/root_secret.h"
#include "keymanager/base/result.h"

namespace sallyport::objects {

/// Fetches the root secrets when they are first needed, again until that succeeds, and keeps them. Thread-safe.
class RootSecretKeeper {
public:
    /// Blocks (database, HSM).
    using Source = std::function<Result<object::RootSecrets>()>;
    explicit RootSecretKeeper(Source source) : source_(std::move(source)) {}

    /// Blocks until they are there or have failed to come; lives as long as this. Error: the source's.
    Result<const object::RootSecrets*> get() {
        if (const object::RootSecrets* known = known_.load()) return known;
        const std::lock_guard loading(loading_);
        if (const object::RootSecrets* known = known_.load()) return known;
        owned_ = std::make_unique<const object::RootSecrets>(TRY(source_()));
        known_.store(owned_.get());
        return owned_.get();
    }

private:
    Source source_;
    std::mutex loading_;
    std::unique_ptr<const object::RootSecrets> owned_;         ///< set once, under loading_
    std::atomic<const object::RootSecrets*> known_ = nullptr;  ///< owned_, once it is there
};

}  // namespace sallyport::objects
