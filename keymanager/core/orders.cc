#include "keymanager/core/orders.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "keymanager/base/assert.h"
#include "keymanager/base/shared_call.h"
#include "keymanager/base/uuid.h"
#include "keymanager/core/context.h"
#include "keymanager/core/key_order.h"
#include "keymanager/core/payload.h"
#include "keymanager/core/quotas.h"
#include "keymanager/crypto/key_pair.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/container_repository.h"
#include "keymanager/db/repository.h"

namespace sallyport::core {
namespace {

using model::Status;

constexpr std::string_view PassphrasePart = "private_key_passphrase";

Target target_of(const model::Order& order) {
    Target target;
    target.set("target.order.project_id", order.project.str());
    if (order.creator) target.set("target.order.creator_id", order.creator->str());
    return target;
}

/// One order on its way through: what it asks for, and what has been made for it so far.
class Fulfilment {
public:
    Fulfilment(const Context& context, const Caller& caller, OrderRequest request)
        : context_(context), caller_(caller), request_(std::move(request)) {
        order_.id = OrderId(random_uuid());
        order_.type = request_.type;
        order_.meta = request_.meta;
        order_.project = caller.project;
        order_.creator = caller.user;
        order_.created = order_.updated = context.clock.now();
    }

    Result<OrderId> run() {
        switch (request_.type) {
            case model::OrderType::Key: TRY(make_key()); break;
            case model::OrderType::Asymmetric: TRY(make_key_pair()); break;
            case model::OrderType::Certificate: ask_authority(); break;
        }
        TRY(context_.database->write([this](db::Session& session) { return write(session); }));
        return order_.id;
    }

private:
    Result<void> make_key() {
        auto spec = symmetric_key_spec(request_.attributes);
        if (auto* failure = std::get_if<OrderFailure>(&spec)) return fail(std::move(*failure));
        SecureBytes key = TRY(context_.store->generate(std::get<SymmetricKeySpec>(spec).bytes));
        order_.secret = add_secret(model::SecretType::Symmetric, std::move(key));
        finish();
        return {};
    }

    Result<void> make_key_pair() {
        auto spec = key_pair_spec(request_.attributes);
        if (auto* failure = std::get_if<OrderFailure>(&spec)) return fail(std::move(*failure));
        const KeyPairSpec wanted = std::get<KeyPairSpec>(spec);
        std::optional<Result<crypto::KeyPair>> generated;
        run_long([&] { generated = crypto::generate_key_pair(wanted.algorithm, wanted.bits, request_.passphrase); });
        crypto::KeyPair pair = TRY(*std::move(generated));
        container_.emplace();
        container_->id = ContainerId(random_uuid());
        container_->name = request_.attributes.name;
        container_->type = container_type(wanted.algorithm);
        container_->project = caller_.project;
        container_->creator = caller_.user;
        container_->created = container_->updated = order_.created;
        add_part("private_key", model::SecretType::Private, std::move(pair.private_key));
        add_part("public_key", model::SecretType::Public, std::move(pair.public_key));
        if (request_.passphrase) {
            add_part(PassphrasePart, model::SecretType::Passphrase, std::move(*request_.passphrase));
        }
        order_.container = container_->id;
        finish();
        return {};
    }

    void ask_authority() {
        if (request_.names_authority) {
            fail(internal_order_failure()).has_value();
            return;
        }
        order_.status = Status::Pending;
        order_.sub_status = "cert_request_pending";
        order_.sub_status_message = "Request has been submitted to the CA.  Waiting for certificate to be generated";
    }

    /// Barbican's column knows no type for elliptic curves.
    static const char* container_type(crypto::KeyPairAlgorithm algorithm) {
        switch (algorithm) {
            case crypto::KeyPairAlgorithm::Rsa: return "rsa";
            case crypto::KeyPairAlgorithm::Dsa: return "dsa";
            case crypto::KeyPairAlgorithm::Ec: return "generic";
        }
        SALLYPORT_ASSERT(false);  // an enumerator that the switch above does not know cannot have been made
    }

    SecretId add_secret(model::SecretType type, SecureBytes bytes) {
        model::SecretAttributes attributes = request_.attributes;
        attributes.type = type;
        secrets_.push_back(
            {new_secret(context_, caller_, attributes), Payload{std::move(bytes), request_.content_type}});
        return secrets_.back().secret.id;
    }
    void add_part(std::string_view part, model::SecretType type, SecureBytes bytes) {
        container_->secrets.push_back({std::string(part), add_secret(type, std::move(bytes))});
    }

    void finish() {
        order_.status = Status::Active;
        order_.sub_status = order_.sub_status_message = "Unknown";
    }
    /// A failed order is an answer, not an error of ours.
    Result<void> fail(OrderFailure failure) {
        order_.status = Status::Error;
        order_.error_status_code = std::move(failure.status_code);
        order_.error_reason = std::move(failure.reason);
        return {};
    }

    Result<void> write(db::Session& session) const {
        TRY(within_quota(context_, session, order_.project, Counted::Orders));
        TRY(db::ensure_project(session, order_.project, order_.created));
        for (const NewSecret& secret : secrets_) TRY(write_secret(context_, session, secret));
        if (request_.consumer) TRY(register_consumer(session, *request_.consumer));
        if (container_) TRY(db::insert_container(session, *container_));
        return db::insert_order(session, order_);
    }

    Result<void> register_consumer(db::Session& session, const model::SecretConsumer& consumer) const {
        const auto known = TRY(db::secrets_of_consumer(session, order_.project, consumer, order_.created));
        if (!known.empty()) {
            return Error{Code::Conflict,
                         fmt::format("{} {} {} has a key already: {}", consumer.service, consumer.resource_type,
                                     consumer.resource_id, known.front().str()),
                         {}};
        }
        for (const NewSecret& made : secrets_) {
            TRY(context_.permitted(session, caller_, "secret_consumers:post", made.secret.id));
            TRY(within_quota(context_, session, order_.project, Counted::SecretConsumers));
            TRY(db::put_consumer(session, made.secret.id, consumer, order_.created));
        }
        return {};
    }

    const Context& context_;
    const Caller& caller_;
    OrderRequest request_;
    model::Order order_;
    std::vector<NewSecret> secrets_;
    std::optional<model::Container> container_;
};

/// The passphrase that came with an order lives as a secret of its own; the order shows it to whoever may read that.
Result<std::optional<SecureBytes>> passphrase_of(const Context& context, db::Session& session, const Caller& caller,
                                                 const model::Order& order) {
    using Found = std::optional<SecureBytes>;
    if (!order.container) return Found();
    const auto container = db::find_container(session, *order.container);
    if (!container) return container.error().code == Code::NotFound ? Result<Found>(Found()) : container.error();
    const auto part = std::ranges::find_if(
        container->secrets, [](const model::ContainerSecret& member) { return member.name == PassphrasePart; });
    if (part == container->secrets.end()) return Found();
    const auto found = db::find_secret_with_payload(session, part->secret, context.clock.now());
    if (!found) return found.error().code == Code::NotFound ? Result<Found>(Found()) : found.error();
    if (!context.ask(caller, "secret:decrypt", core::target_of(found->secret, caller, "secret:decrypt"))) {
        return Found();
    }
    Payload payload = TRY(open_payload(context, *found));
    return Found(std::move(payload.bytes));
}

}  // namespace

Result<OrderId> Orders::create(const Caller& caller, OrderRequest request) const {
    TRY(context_.ask(caller, "orders:post"));
    return Fulfilment(context_, caller, std::move(request)).run();
}

Result<OrderView> Orders::describe(const Caller& caller, const OrderId& id) const {
    return context_.database->read([this, &caller, &id](db::Session& session) -> Result<OrderView> {
        OrderView view;
        view.order = TRY(db::find_order(session, caller.project, id));
        TRY(context_.ask(caller, "order:get", target_of(view.order)));
        view.passphrase = TRY(passphrase_of(context_, session, caller, view.order));
        return view;
    });
}

Result<model::PageOf<OrderView>> Orders::list(const Caller& caller, const std::optional<std::string>& meta,
                                              const model::Page& page) const {
    TRY(context_.ask(caller, "orders:get"));
    return context_.database->read(
        [this, &caller, &meta, &page](db::Session& session) -> Result<model::PageOf<OrderView>> {
            auto orders = TRY(db::list_orders(session, caller.project, meta, page));
            model::PageOf<OrderView> views{{}, orders.total};
            for (model::Order& order : orders.items) {
                auto passphrase = TRY(passphrase_of(context_, session, caller, order));
                views.items.push_back({std::move(order), std::move(passphrase)});
            }
            return views;
        });
}

Result<void> Orders::remove(const Caller& caller, const OrderId& id) const {
    return context_.database->write([this, &caller, &id](db::Session& session) -> Result<void> {
        const model::Order order = TRY(db::find_order(session, caller.project, id));
        TRY(context_.ask(caller, "order:delete", target_of(order)));
        return db::delete_order(session, caller.project, id, context_.clock.now());
    });
}

}  // namespace sallyport::core
