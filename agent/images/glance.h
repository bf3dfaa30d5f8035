#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"
#include "keymanager/model/image.h"

namespace sallyport::images {

/// Which images a walk is about.
enum class Walk {
    All,             ///< every one
    DeletedWithKey,  ///< those whose policy is on_image_deletion
};

/// A piece of a walk.
struct ImagePage {
    std::vector<model::ImageKey> images;
    std::string next;  ///< where to go on; empty: the walk is over
};

/// The image service, asked with an account that sees every image. Blocking; thread-safe.
class Glance {
public:
    virtual ~Glance() = default;

    /// The image; nothing if it is gone for certain. Error: `Unavailable` if Glance or Keystone is away or answers
    /// anything that does not settle it: whoever may not see an image is told that there is none.
    virtual Result<std::optional<model::ImageKey>> find(const std::string& image) = 0;
    /// Images in the order of Glance's pages; `from` is empty, or `next` of the page before.
    virtual Result<ImagePage> list(Walk walk, const std::string& from) = 0;
};

/// Glance's API, version 2, over HTTP, with the account of auth.keystone. Error: that of the URL or the password file.
Result<std::unique_ptr<Glance>> make_glance(const config::Images& settings, const config::Keystone& account,
                                            const Clock& clock);

}  // namespace sallyport::images
