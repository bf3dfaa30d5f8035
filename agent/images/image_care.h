#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/images/glance.h"
#include "integrations/image/deletion_policy.h"
#include "keymanager/base/result.h"
#include "keymanager/core/consumers.h"
#include "keymanager/core/image_keys.h"

namespace sallyport::images {

/// What became of the key of an image that is said to be gone.
struct KeyFate {
    enum class What {
        Deleted,  ///< softly: `secret undelete` brings it back
        Gone,     ///< there was none any more: Glance has deleted it itself, as a rule
        Kept,     ///< for good; `why` says by which rule
        Waiting   ///< it could not be settled; it is remembered and tried again
    };
    What what = What::Waiting;
    std::string rule;  ///< Kept: the rule's name
    std::string why;   ///< all but Deleted
};
std::string_view text_of(KeyFate::What what);  ///< "deleted", "gone", "kept", "waiting"

/// What a look at all images came to.
struct LookSummary {
    std::size_t images = 0;   ///< that are there and take their key along
    std::size_t missing = 0;  ///< known ones that were not among them: each was looked at by itself
    std::size_t deleted = 0;  ///< keys of these
};

/// Something about an image and a key that is not as it should be.
struct Finding {
    enum class Kind {
        Orphan,   ///< the key of an image that is gone
        Dangling  ///< an image without its key
    };
    Kind kind = Kind::Orphan;
    model::ImageKey image;
    std::string what;    ///< a sentence
    std::string action;  ///< text_of(KeyFate::What) if applied, "to be deleted" if not; "none": left to people
};
struct Reconciliation {
    std::size_t images = 0;  ///< that were looked at
    std::vector<Finding> findings;
};

struct CareSettings {
    core::Caller self;  ///< as whom keys are deleted, in the project of each image
    std::chrono::seconds first_wait{10};
    std::chrono::seconds longest_wait{3600};
    bool register_consumers = false;  ///< images that are seen are registered as consumers of their keys
};

/// Deletes the keys of images once the images are gone, and finds what was missed.
///
/// What has to be tried again is kept in the key manager's database, so it survives this process, and any number of
/// agents share it: each step may be done twice without harm. Thread-safe. Calls block on Glance and the database.
class ImageCare {
public:
    /// Writes down that a key is about to go, or was not let go. Error: `Unavailable` if it cannot, and the key stays.
    using Audit = std::function<Result<void>(const core::Caller& caller, const SecretId& key, bool deleted)>;

    /// All must outlive this.
    ImageCare(const core::ImageKeys& keys, const core::Consumers& consumers, Glance& glance, CareSettings settings,
              Audit audit);

    /// Somebody says that this image is gone. Remembered before anything is done, so whoever said it may forget it. An
    /// error: it is not remembered (the database is away).
    Result<KeyFate> on_delete(const model::ImageKey& image);

    /// A bounded piece of what is due; true if there is more.
    Result<bool> work();

    /// Walks through Glance's images: remembers those that are new, and settles those that are missing, whose
    /// notification was lost. Error: `Refused` if so many are missing at once that the account may not see them any
    /// longer; reconcile() with `apply` is for when they are gone indeed. `may_go_on` is asked between two pages.
    Result<LookSummary> look(const std::function<bool()>& may_go_on);

    /// Walks through all images and all that is known of them. `apply`: orphaned keys are treated as on_delete would;
    /// nothing is ever done about an image.
    Result<Reconciliation> reconcile(bool apply, const std::function<bool()>& may_go_on);

private:
    using Images = std::set<std::string>;
    using Visit = std::function<Result<void>(const model::ImageKey&)>;

    /// Error: it could not even be put off.
    Result<KeyFate> settle(const model::ImageKeyRecord& record);
    /// Error: it could not be settled.
    Result<KeyFate> judge(const model::ImageKey& image);
    Result<KeyFate> judge_there(const model::ImageKey& image);
    Result<KeyFate> judge_gone(const model::ImageKey& image);

    Result<void> visit_all(Walk walk, const std::function<bool()>& may_go_on, const Visit& visit);
    Result<void> remember(const model::ImageKey& image);
    void register_consumer(const model::ImageKey& image);
    Result<std::vector<model::ImageKeyRecord>> known_beside(const Images& seen) const;

    Result<std::optional<std::string>> fault_of(const model::ImageKey& image) const;
    Result<std::optional<Finding>> orphan_of(const model::ImageKey& image, bool apply);
    Result<void> add_registered_orphans(const Images& seen, Reconciliation& found);

    core::Caller caller_for(const model::ImageKey& image) const;

    const core::ImageKeys& keys_;
    const core::Consumers& consumers_;
    Glance& glance_;
    const CareSettings settings_;
    const Audit audit_;
};

}  // namespace sallyport::images
