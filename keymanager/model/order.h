#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/model/secret.h"

namespace sallyport::model {

enum class OrderType { Key, Asymmetric, Certificate };
std::string_view text_of(OrderType type);
std::optional<OrderType> order_type_from(std::string_view text);

/// A row of orders. `meta` is the JSON object of the request, as the column holds it and answers echo it.
struct Order {
    OrderId id;
    OrderType type = OrderType::Key;
    std::string meta;
    ProjectId project;
    std::optional<UserId> creator;
    Status status = Status::Pending;
    Timestamp created{};
    Timestamp updated{};
    std::optional<SecretId> secret;
    std::optional<ContainerId> container;
    std::optional<std::string> error_status_code;
    std::optional<std::string> error_reason;
    std::optional<std::string> sub_status;
    std::optional<std::string> sub_status_message;
};

}  // namespace sallyport::model
