#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/model/access_list.h"
#include "keymanager/model/consumer.h"

namespace sallyport::model {

/// Barbican's secret types; `text_of` gives the word of the API and of the column secrets.secret_type.
enum class SecretType { Symmetric, Public, Private, Passphrase, Certificate, Opaque };
std::string_view text_of(SecretType type);
std::optional<SecretType> secret_type_from(std::string_view text);

/// The column `status` of secrets and orders.
enum class Status { Active, Pending, Error };
std::string_view text_of(Status status);
std::optional<Status> status_from(std::string_view text);

/// What a caller says about a secret when it makes one. Lengths and ranges are checked by the API's validators.
struct SecretAttributes {
    std::optional<std::string> name;
    SecretType type = SecretType::Opaque;
    std::optional<std::string> algorithm;
    std::optional<int> bit_length;
    std::optional<std::string> mode;
    std::optional<Timestamp> expiration;
};

/// A row of secrets with what every use of it needs. Holds no payload.
struct Secret {
    SecretId id;
    SecretAttributes attributes;
    ProjectId project;  ///< who owns it
    std::optional<UserId> creator;
    Status status = Status::Active;
    Timestamp created{};
    Timestamp updated{};
    std::optional<std::string> content_type;  ///< absent: it has no payload
    std::optional<AccessList> acl;            ///< absent: the project's roles alone decide
    std::vector<SecretConsumer> consumers;    ///< only where they were asked for
};

/// An expired secret is treated as absent everywhere; its row stays.
bool is_expired(const Secret& secret, Timestamp now);

/// Filters of GET /v1/secrets; all given ones must match.
struct TimeBound {
    enum class Op { Equal, Greater, GreaterOrEqual, Less, LessOrEqual } op = Op::Equal;
    Timestamp time{};
};
struct SortKey {
    std::string column;  ///< one of the columns that the API lets callers sort by; checked by the API
    bool descending = false;
};
struct SecretFilter {
    std::optional<std::string> name, algorithm, mode;
    std::optional<int> bits;
    std::optional<std::string> secret_type;  ///< as given: an unknown word matches nothing
    std::vector<TimeBound> created, updated, expiration;
    std::vector<SortKey> sort;
    std::optional<UserId> acl_only;  ///< only secrets whose ACL names this user, whatever the project
};
struct Page {
    int limit = 10;
    int offset = 0;
};
template <class T>
struct PageOf {
    std::vector<T> items;
    long total = 0;  ///< of all pages
};

}  // namespace sallyport::model
