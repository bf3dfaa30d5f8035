#pragma once

#include <string>

#include "keymanager/api/exchange.h"
#include "keymanager/model/container.h"
#include "keymanager/model/secret.h"

/// How secrets and containers look, in every answer that holds one.
namespace sallyport::api {

/// Which parts of a secret an answer shows beside the usual ones.
struct SecretShape {
    bool consumers = false;
    bool content_types = true;
};
void append_secret(std::string& out, const Exchange& exchange, const model::Secret& secret, SecretShape shape);
void append_container(std::string& out, const Exchange& exchange, const model::Container& container);

/// The members that say what a consumer is.
template <class Text>
class JsonObjectWriter;
void write_consumer(JsonObjectWriter<std::string>& writer, const model::SecretConsumer& consumer);
void write_consumer(JsonObjectWriter<std::string>& writer, const model::ContainerConsumer& consumer);

}  // namespace sallyport::api
