#pragma once

#include <optional>
#include <string>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/order.h"
#include "keymanager/model/secret.h"

namespace sallyport::core {

struct Context;

/// What an order asks for; its door has checked the form.
struct OrderRequest {
    model::OrderType type = model::OrderType::Key;
    std::string meta;  ///< the JSON object that is stored and shown, without a passphrase
    model::SecretAttributes attributes;
    std::string content_type = "application/octet-stream";
    std::optional<SecureBytes> passphrase;  ///< of the private key to be made
    bool names_authority = false;           ///< of certificates: it names a CA or a stored key, and there is none
    /// Of keys: registered with the key in the same transaction. It has one key at a time then.
    std::optional<model::SecretConsumer> consumer{};
};

/// An order as its owner sees it. The passphrase is there for those who may decrypt it.
struct OrderView {
    model::Order order;
    std::optional<SecureBytes> passphrase;
};

/// Keys that the key manager makes.
class Orders {
public:
    explicit Orders(const Context& context) : context_(context) {}

    /// Makes the key or key pair at once: the order is ACTIVE (or ERROR, with the reason) when this returns.
    /// Certificate orders stay PENDING: there is no authority to ask. Error: `OverQuota`; `Conflict` naming the key if
    /// the request's consumer has one in this project.
    Result<OrderId> create(const Caller& caller, OrderRequest request) const;
    Result<OrderView> describe(const Caller& caller, const OrderId& id) const;
    /// `meta` keeps only orders whose meta holds that text as a whole string.
    Result<model::PageOf<OrderView>> list(const Caller& caller, const std::optional<std::string>& meta,
                                          const model::Page& page) const;
    /// The keys stay.
    Result<void> remove(const Caller& caller, const OrderId& id) const;

private:
    const Context& context_;
};

}  // namespace sallyport::core
