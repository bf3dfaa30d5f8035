#include "keymanager/base/error.h"

namespace sallyport {

std::string_view name_of(Code code) {
    switch (code) {
        case Code::InvalidInput: return "InvalidInput";
        case Code::Unauthenticated: return "Unauthenticated";
        case Code::Forbidden: return "Forbidden";
        case Code::NotFound: return "NotFound";
        case Code::Conflict: return "Conflict";
        case Code::TooLarge: return "TooLarge";
        case Code::OverQuota: return "OverQuota";
        case Code::WrongKey: return "WrongKey";
        case Code::Refused: return "Refused";
        case Code::Corrupt: return "Corrupt";
        case Code::Io: return "Io";
        case Code::Unavailable: return "Unavailable";
        case Code::Overloaded: return "Overloaded";
        case Code::Internal: return "Internal";
    }
    return "Internal";
}

}  // namespace sallyport
