#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::metrics {

/// Which template a target is of: "/v1/secrets/{id}/payload" for "/v1/secrets/6f0d…/payload?x=y". Labels must not grow
/// with what clients send, so whatever fits no template is "other".
///
/// Immutable, hence thread-safe; a look-up allocates nothing.
class RouteTable {
public:
    /// A segment in braces stands for any one; "{*}" at the end for any number more.
    explicit RouteTable(std::span<const std::string_view> templates);

    /// The number of the template; size() - 1, "other", if there is none.
    std::uint32_t find(std::string_view target) const noexcept;
    const std::string& name(std::uint32_t number) const { return names_[number]; }
    std::uint32_t size() const { return static_cast<std::uint32_t>(names_.size()); }

private:
    static constexpr std::uint32_t None = ~std::uint32_t{0};
    struct Node {
        std::vector<std::pair<std::string, std::uint32_t>> literals;
        std::uint32_t any = None;       ///< the node behind a segment in braces
        std::uint32_t here = None;      ///< the template that ends here
        std::uint32_t and_more = None;  ///< the template that takes all the rest
    };
    void add(std::string_view text, std::uint32_t number);
    std::uint32_t child(std::uint32_t node, std::string_view segment);

    std::vector<std::string> names_;
    std::vector<Node> nodes_;
};

/// What the doors of this agent serve.
const RouteTable& rest_routes();
const RouteTable& object_routes();

}  // namespace sallyport::metrics
