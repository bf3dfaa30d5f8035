#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keymanager/base/clock.h"

namespace sallyport::audit {

enum class Outcome {
    Done,
    Refused,  ///< the policy said no
    Failed    ///< anything else that kept it from happening
};

/// One thing that happened to a key. Borrows everything; never holds a secret.
struct Event {
    std::string_view name;  ///< "secret.payload.read", "volume.open"
    Outcome outcome = Outcome::Done;
    int status = 0;              ///< of the HTTP answer; 0: there was none
    std::string_view id;         ///< the secret, order or container that it is about
    std::string_view user = {};  ///< who asked
    std::string_view project = {};
    const std::vector<std::string>* roles = nullptr;
    std::string_view source = {};  ///< "192.0.2.7:40522", "unix:uid=0,pid=77", "objects"
    std::string_view request_id = {};
    std::vector<std::pair<std::string_view, std::string_view>> facts = {};  ///< more, by name: {"device", "/dev/sdb"}
};

/// Appends the line's JSON up to where its MACs begin: {"seq":7,"time":"…",…  No text of the event can leave its
/// quotes, and none is longer than 256 bytes.
void append_event(std::string& out, std::uint64_t sequence, Timestamp time, const Event& event);

}  // namespace sallyport::audit
