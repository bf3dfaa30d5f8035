#include "keymanager/model/order.h"

#include "keymanager/base/assert.h"

namespace sallyport::model {

std::string_view text_of(OrderType type) {
    switch (type) {
        case OrderType::Key: return "key";
        case OrderType::Asymmetric: return "asymmetric";
        case OrderType::Certificate: return "certificate";
    }
    SALLYPORT_ASSERT(false);  // an enumerator that the switch above does not know cannot have been made
}

std::optional<OrderType> order_type_from(std::string_view text) {
    for (const OrderType type : {OrderType::Key, OrderType::Asymmetric, OrderType::Certificate}) {
        if (text == text_of(type)) return type;
    }
    return std::nullopt;
}

}  // namespace sallyport::model
