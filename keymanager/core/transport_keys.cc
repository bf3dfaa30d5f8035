#include "keymanager/core/transport_keys.h"

#include <utility>

#include "keymanager/base/uuid.h"
#include "keymanager/core/context.h"
#include "keymanager/db/transport_key_repository.h"

namespace sallyport::core {

Result<TransportKeyId> TransportKeys::create(const Caller& caller, std::string plugin_name, std::string pem) const {
    TRY(context_.ask(caller, "transport_keys:post"));
    const Timestamp now = context_.clock.now();
    const model::TransportKey entry{TransportKeyId(random_uuid()), std::move(plugin_name), std::move(pem), now, now};
    TRY(context_.database->write([&entry](db::Session& session) { return db::insert_transport_key(session, entry); }));
    return entry.id;
}

Result<model::TransportKey> TransportKeys::find(const Caller& caller, const TransportKeyId& id) const {
    TRY(context_.ask(caller, "transport_key:get"));
    return context_.database->read([&id](db::Session& session) { return db::find_transport_key(session, id); });
}

Result<model::PageOf<TransportKeyId>> TransportKeys::list(const Caller& caller,
                                                          const std::optional<std::string>& plugin_name,
                                                          const model::Page& page) const {
    TRY(context_.ask(caller, "transport_keys:get"));
    return context_.database->read(
        [&plugin_name, &page](db::Session& session) { return db::list_transport_keys(session, plugin_name, page); });
}

Result<void> TransportKeys::remove(const Caller& caller, const TransportKeyId& id) const {
    TRY(context_.ask(caller, "transport_key:delete"));
    return context_.database->write(
        [this, &id](db::Session& session) { return db::delete_transport_key(session, id, context_.clock.now()); });
}

}  // namespace sallyport::core
