#include "keymanager/core/deletion.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "keymanager/core/context.h"
#include "keymanager/db/consumer_repository.h"

namespace sallyport::core {
namespace {

/// So many are named in a refusal.
constexpr std::size_t MostNamed = 10;

std::string name_of(const model::SecretConsumer& consumer) {
    return fmt::format("{} {} {}", consumer.service, consumer.resource_type, consumer.resource_id);
}
std::string name_of(const model::ContainerConsumer& consumer) {
    return fmt::format("{} {}", consumer.name, consumer.url);
}

template <class Consumer>
std::string names_of(const std::vector<Consumer>& consumers) {
    std::string names;
    for (const Consumer& consumer : std::span(consumers).first(std::min(consumers.size(), MostNamed))) {
        names += (names.empty() ? "" : ", ") + name_of(consumer);
    }
    if (consumers.size() > MostNamed) names += fmt::format(" and {} more", consumers.size() - MostNamed);
    return names;
}

template <class Object>
Result<Deletion> heed(const Context& context, db::Session& session, Object object, std::string_view what) {
    const DeleteWithConsumers rule = context.limits.life_cycle.delete_with_consumers;
    if (rule == DeleteWithConsumers::Allow) return Deletion{};
    object.consumers.clear();
    TRY(db::load_consumers(session, std::span(&object, 1)));
    if (rule == DeleteWithConsumers::Warn || object.consumers.empty()) return Deletion{object.consumers.size()};
    return Error{Code::Conflict,
                 fmt::format("{} is in use and cannot be deleted. Its consumers have to be removed first: {}.", what,
                             names_of(object.consumers)),
                 object.id.str()};
}

}  // namespace

Result<Deletion> heed_consumers(const Context& context, db::Session& session, const model::Secret& secret) {
    return heed(context, session, secret, "Secret");
}
Result<Deletion> heed_consumers(const Context& context, db::Session& session, const model::Container& container) {
    return heed(context, session, container, "Container");
}

}  // namespace sallyport::core
