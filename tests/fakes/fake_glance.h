#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>

#include "agent/images/glance.h"

namespace sallyport::fakes {

/// An image service whose images a test puts there and takes away. Pages hold two images.
class FakeGlance final : public images::Glance {
public:
    std::map<std::string, model::ImageKey> images;
    bool is_away = false;
    int questions = 0;  ///< for single images

    void add(const model::ImageKey& image) { images[image.image] = image; }

    Result<std::optional<model::ImageKey>> find(const std::string& image) override {
        ++questions;
        if (is_away) return away();
        const auto found = images.find(image);
        if (found == images.end()) return std::optional<model::ImageKey>();
        return std::optional(found->second);
    }

    Result<images::ImagePage> list(images::Walk walk, const std::string& from) override {
        if (is_away) return away();
        images::ImagePage page;
        auto at = from.empty() ? images.begin() : images.upper_bound(from);
        for (int count = 0; at != images.end() && count < 2; ++at, ++count) {
            const bool takes_key = at->second.policy == "on_image_deletion";
            if (walk == images::Walk::All || takes_key) page.images.push_back(at->second);
            page.next = at->first;
        }
        if (at == images.end()) page.next.clear();
        return page;
    }

private:
    static Error away() { return {Code::Unavailable, "the image service is away", {}}; }
};

}  // namespace sallyport::fakes
