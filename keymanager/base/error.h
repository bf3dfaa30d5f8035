#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace sallyport {

/// The closed list of what can go wrong. One table in keymanager/api maps it to an HTTP status.
enum class Code {
    InvalidInput,     ///< the caller's data is malformed or out of range
    Unauthenticated,  ///< nobody known is calling
    Forbidden,        ///< known, but not allowed
    NotFound,         ///< no such object (or none that the caller may know of)
    Conflict,         ///< it exists already, or the state does not allow it
    TooLarge,         ///< over a configured limit
    OverQuota,        ///< the project has as many of these as its quota allows
    WrongKey,         ///< the key is well-formed, but does not open the thing
    Refused,          ///< possible, but unsafe without an explicit word (force) from the caller
    Corrupt,          ///< stored data fails its check
    Io,               ///< a file, device or socket failed
    Unavailable,      ///< a peer (database, Keystone, libvirtd, HSM) is away; trying again may help
    Overloaded,       ///< a bounded resource (queue, arena) is full; trying again later helps
    Internal,         ///< a fault of ours
};

/// "InvalidInput" for Code::InvalidInput: for logs and tests.
std::string_view name_of(Code code);

/// An expected failure, as a value. Neither text ever holds secret bytes.
struct Error {
    Code code;
    std::string message;  ///< may reach the client: what, which object, what to do
    std::string detail;   ///< for the log only
};

}  // namespace sallyport
