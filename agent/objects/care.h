#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/objects/store.h"
#include "integrations/object/root_secret.h"
#include "integrations/object/target.h"
#include "keymanager/base/result.h"

namespace sallyport::objects {

/// The objects of an account whose names begin like this, in the order of their names.
struct CareScope {
    std::string account;
    std::string container;  ///< empty: all of the account's
    std::string prefix;     ///< of the object's name
    std::string token;      ///< X-Auth-Token for a store that asks who is calling
};

/// How far a walk is: what comes after this is next. One that is broken off goes on from its last step's `next`.
struct CarePlace {
    std::string container;
    std::string object;
};

/// One step of a walk: as many objects as fit into its time.
struct CareStep {
    std::uint64_t objects = 0;  ///< looked at
    std::uint64_t bytes = 0;    ///< of data read
    std::uint64_t changed = 0;  ///< rekey: re-wrapped or rewritten
    std::uint64_t passed = 0;   ///< changed by somebody else meanwhile: newer than this walk
    std::uint64_t clear = 0;    ///< not encrypted
    std::uint64_t skipped = 0;  ///< large objects and links: their parts are objects of their own
    struct Fault {
        std::string object;  ///< "container/object"
        std::string what;
    };
    std::vector<Fault> faults;                     ///< what does not decrypt, or not to what its ETag says
    std::map<std::string, std::uint64_t> secrets;  ///< by root secret id: objects that had something under it
    std::optional<CarePlace> next;                 ///< nothing: the walk is over
};

/// Looks after stored objects, beside the door and by the same ways. Thread-safe. What a store has of others that
/// cannot be right here (large objects, links) is passed over and counted. Errors: `Unavailable`, `Io` of the store;
/// `Forbidden` and `NotFound` where it refuses the listing.
class ObjectCare {
public:
    explicit ObjectCare(Store& store) : store_(store) {}

    /// Reads everything: each object decrypts, and the MD5 of what comes out is its sealed ETag.
    asio::awaitable<Result<CareStep>> verify(const object::RootSecrets& secrets, const CareScope& scope, CarePlace from,
                                             std::chrono::milliseconds within);
    /// Brings everything under the active root secret: in the metadata alone where the store can change them without
    /// the data; else each object is read and written, with the time of the one that was read, so that whatever a
    /// client writes meanwhile is newer and stays. Counts which secrets were in use before; a walk that finds none but
    /// the active one proves that the others are used no more within its scope.
    asio::awaitable<Result<CareStep>> rekey(const object::RootSecrets& secrets, const CareScope& scope, CarePlace from,
                                            std::chrono::milliseconds within);

private:
    Store& store_;
};

/// The moment after a Swift timestamp ("1700000000.00000"): what is written then is newer than what was there, and
/// older than anything that comes later. Error: `Corrupt`.
Result<std::string> moment_after(const std::string& timestamp);

}  // namespace sallyport::objects
