#include "agent/images/image_care.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "keymanager/base/log.h"
#include "keymanager/base/uuid.h"

namespace sallyport::images {
namespace {

using image::Presence;
using image::Refusal;
using image::Rule;
using model::ImageKey;
using model::ImageKeyRecord;

/// What one piece of work takes up.
constexpr int Piece = 20;
constexpr int PageRecords = 200;
/// So many images may be gone since the last look, even if few are left.
constexpr std::size_t UsualMissing = 10;
/// Doubled so often at most; the longest wait is reached long before.
constexpr int MostDoublings = 20;

KeyFate kept(const Refusal& refusal) {
    return {KeyFate::What::Kept, std::string(image::text_of(refusal.rule)), refusal.reason};
}

model::SecretConsumer consumer_of(const ImageKey& image) {
    model::SecretConsumer consumer;
    consumer.service = "image";
    consumer.resource_type = "image";
    consumer.resource_id = image.image;
    return consumer;
}

bool is_registered(const model::Secret& secret, const model::SecretConsumer& consumer) {
    return std::ranges::any_of(secret.consumers, [&consumer](const auto& known) {
        return known.service == consumer.service && known.resource_type == consumer.resource_type &&
               known.resource_id == consumer.resource_id;
    });
}

}  // namespace

std::string_view text_of(KeyFate::What what) {
    switch (what) {
        case KeyFate::What::Deleted: return "deleted";
        case KeyFate::What::Gone: return "gone";
        case KeyFate::What::Kept: return "kept";
        case KeyFate::What::Waiting: return "waiting";
    }
    return {};
}

ImageCare::ImageCare(const core::ImageKeys& keys, const core::Consumers& consumers, Glance& glance,
                     CareSettings settings, Audit audit)
    : keys_(keys), consumers_(consumers), glance_(glance), settings_(std::move(settings)), audit_(std::move(audit)) {}

// ------------------------------------------------------------------------------------------------ one image

Result<KeyFate> ImageCare::on_delete(const ImageKey& image) {
    if (const auto objection = image::objection_of(image)) {
        log_debug("image {}: its key stays: {}", image.image, objection->reason);
        return kept(*objection);
    }
    TRY(keys_.make_due(image));
    auto fate = settle({.image = image});
    if (fate) return fate;
    return KeyFate{KeyFate::What::Waiting, {}, fate.error().message};
}

Result<bool> ImageCare::work() {
    const std::vector<ImageKeyRecord> due = TRY(keys_.due(Piece));
    for (const ImageKeyRecord& record : due) {
        const KeyFate fate = TRY(settle(record));
        // Whoever is away for one is away for the next.
        if (fate.what == KeyFate::What::Waiting) return false;
    }
    return due.size() == Piece;
}

Result<KeyFate> ImageCare::settle(const ImageKeyRecord& record) {
    const ImageKey& image = record.image;
    auto fate = judge(image);
    if (!fate) {
        const auto wait =
            std::min(settings_.longest_wait, settings_.first_wait * (1 << std::min(record.attempts, MostDoublings)));
        TRY(keys_.put_off(record, fate.error().message, wait));
        log_warning("image {}: key {} waits for {} s: {}", image.image, image.secret.str(), wait.count(),
                    fate.error().message);
        return KeyFate{KeyFate::What::Waiting, {}, fate.error().message};
    }
    if (fate->what == KeyFate::What::Deleted) {
        log_info("image {} is gone: key {} of project {} deleted", image.image, image.secret.str(),
                 image.project.str());
    } else if (fate->what == KeyFate::What::Kept) {
        log_warning("image {}: key {} stays: {}: {}", image.image, image.secret.str(), fate->rule, fate->why);
    }
    return fate;
}

Result<KeyFate> ImageCare::judge(const ImageKey& image) {
    const auto there = TRY(glance_.find(image.image));
    return there ? judge_there(*there) : judge_gone(image);
}

Result<KeyFate> ImageCare::judge_there(const ImageKey& image) {
    // Watched further on, by what it says now: a notification may come before the deletion is seen everywhere.
    if (image::objection_of(image)) {
        TRY(keys_.forget(image.image));
    } else {
        TRY(keys_.note_found(image));
    }
    return KeyFate{KeyFate::What::Kept, std::string(image::text_of(Rule::ImageThere)),
                   fmt::format("image {} is still there", image.image)};
}

Result<KeyFate> ImageCare::judge_gone(const ImageKey& image) {
    const core::Caller caller = caller_for(image);
    std::optional<Refusal> refusal;
    const auto judge = [&](const model::Secret* secret) -> Result<void> {
        refusal = image::decide({.image = image, .presence = Presence::Gone, .secret = secret}).refusal;
        if (!refusal) return audit_(caller, image.secret, true);
        // No key, nothing to refuse: the image is forgotten with this transaction.
        if (refusal->rule == Rule::KeyGone) return {};
        return Error{Code::Refused, refusal->reason, {}};
    };
    const auto removed = keys_.remove(caller, image, judge);
    if (removed && *removed) return KeyFate{KeyFate::What::Deleted, {}, {}};
    if (removed) return KeyFate{KeyFate::What::Gone, {}, refusal ? refusal->reason : std::string()};
    if (!refusal) return removed.error();
    TRY(audit_(caller, image.secret, false));
    TRY(keys_.forget(image.image));
    return kept(*refusal);
}

core::Caller ImageCare::caller_for(const ImageKey& image) const {
    core::Caller caller = settings_.self;
    caller.project = image.project;
    return caller;
}

// ------------------------------------------------------------------------------------------------ all images

Result<void> ImageCare::visit_all(Walk walk, const std::function<bool()>& may_go_on, const Visit& visit) {
    std::string next;
    do {
        if (!may_go_on()) return Error{Code::Unavailable, "the agent is stopping", {}};
        const ImagePage page = TRY(glance_.list(walk, next));
        for (const ImageKey& image : page.images) TRY(visit(image));
        next = page.next;
    } while (!next.empty());
    return {};
}

Result<std::vector<ImageKeyRecord>> ImageCare::known_beside(const Images& seen) const {
    std::vector<ImageKeyRecord> missing;
    std::string after;
    for (;;) {
        const auto page = TRY(keys_.list(after, PageRecords));
        for (const ImageKeyRecord& record : page) {
            if (!seen.contains(record.image.image)) missing.push_back(record);
        }
        if (page.size() < PageRecords) return missing;
        after = page.back().image.image;
    }
}

Result<void> ImageCare::remember(const ImageKey& image) {
    TRY(keys_.note_seen(image));
    if (settings_.register_consumers) register_consumer(image);
    return {};
}

void ImageCare::register_consumer(const ImageKey& image) {
    const model::SecretConsumer consumer = consumer_of(image);
    const auto secret = keys_.find(image.secret);
    if (!secret || !*secret || is_registered(**secret, consumer)) return;
    // A key of another project, for one: the image goes without, and its key will be refused to it.
    if (const auto added = consumers_.add(caller_for(image), image.secret, consumer); !added) {
        log_info("image {} is not registered as a consumer of {}: {}", image.image, image.secret.str(),
                 added.error().message);
    }
}

Result<LookSummary> ImageCare::look(const std::function<bool()>& may_go_on) {
    Images seen;
    TRY(visit_all(Walk::DeletedWithKey, may_go_on, [this, &seen](const ImageKey& image) -> Result<void> {
        if (image::objection_of(image)) return {};
        seen.insert(image.image);
        return remember(image);
    }));
    LookSummary summary{.images = seen.size()};
    auto missing = TRY(known_beside(seen));
    // The time of what is due comes by itself.
    std::erase_if(missing, [](const ImageKeyRecord& record) { return record.next_try.has_value(); });
    if (missing.size() > std::max(UsualMissing, seen.size())) {
        return Error{Code::Refused,
                     fmt::format("{} images are missing at once, and {} are there: may the agent's account still see "
                                 "them? If they are gone, `sallyport image reconcile --apply` deletes their keys",
                                 missing.size(), seen.size()),
                     {}};
    }
    for (const ImageKeyRecord& record : missing) {
        ++summary.missing;
        const KeyFate fate = TRY(on_delete(record.image));
        if (fate.what == KeyFate::What::Deleted) ++summary.deleted;
        if (fate.what == KeyFate::What::Waiting) break;
    }
    return summary;
}

// ------------------------------------------------------------------------------------------------ reconciling

Result<std::optional<std::string>> ImageCare::fault_of(const ImageKey& image) const {
    using Fault = std::optional<std::string>;
    const std::string& id = image.secret.str();
    if (id.empty()) return Fault();
    if (id.find_first_not_of("0-") == std::string::npos) {
        return Fault("its key is the one of all zeros: the fixed_key of Nova and Cinder");
    }
    if (!is_uuid(id)) return Fault("cinder_encryption_key_id is no UUID");
    const auto secret = TRY(keys_.find(image.secret));
    if (!secret) return Fault("there is no such key (any more): nothing opens the image");
    if (secret->project != image.project) {
        return Fault(fmt::format("its key belongs to project {}", secret->project.str()));
    }
    return Fault();
}

Result<std::optional<Finding>> ImageCare::orphan_of(const ImageKey& image, bool apply) {
    // Not among all images is no proof yet.
    if (TRY(glance_.find(image.image))) return std::optional<Finding>();
    const auto secret = TRY(keys_.find(image.secret));
    Finding finding{Finding::Kind::Orphan, image, "its image is gone", "to be deleted"};
    if (apply) {
        const KeyFate fate = TRY(on_delete(image));
        finding.action = text_of(fate.what);
        if (!fate.why.empty()) finding.what += ", but: " + fate.why;
    }
    if (!secret) return std::optional<Finding>();
    return std::optional(std::move(finding));
}

Result<void> ImageCare::add_registered_orphans(const Images& seen, Reconciliation& found) {
    for (int offset = 0;; offset += PageRecords) {
        const auto page = TRY(keys_.consumers(offset, PageRecords));
        for (const model::ImageConsumer& consumer : page) {
            if (seen.contains(consumer.image) || !is_uuid(consumer.image)) continue;
            if (TRY(glance_.find(consumer.image))) continue;
            ImageKey image{.image = consumer.image, .project = consumer.project, .secret = consumer.secret};
            found.findings.push_back({Finding::Kind::Orphan, std::move(image),
                                      "registered for an image that is gone, whose deletion policy nobody knows",
                                      "none"});
        }
        if (page.size() < PageRecords) return {};
    }
}

Result<Reconciliation> ImageCare::reconcile(bool apply, const std::function<bool()>& may_go_on) {
    Reconciliation found;
    Images seen;
    TRY(visit_all(Walk::All, may_go_on, [&](const ImageKey& image) -> Result<void> {
        ++found.images;
        seen.insert(image.image);
        if (auto fault = TRY(fault_of(image))) {
            found.findings.push_back({Finding::Kind::Dangling, image, *std::move(fault), "none"});
        }
        return {};
    }));
    const auto missing = TRY(known_beside(seen));
    for (const ImageKeyRecord& record : missing) {
        if (auto orphan = TRY(orphan_of(record.image, apply))) found.findings.push_back(*std::move(orphan));
        seen.insert(record.image.image);
    }
    TRY(add_registered_orphans(seen, found));
    return found;
}

}  // namespace sallyport::images
